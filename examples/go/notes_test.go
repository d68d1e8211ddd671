package notes

import (
	"errors"
	"os"
	"testing"
	"time"
)

func open(t *testing.T, name string) *Port {
	port, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { port.Close() })
	return port
}

func TestNotesArriveInOrder(t *testing.T) {
	sender, receiver := open(t, "sender"), open(t, "receiver")
	for key := byte(0); key < 128; key++ {
		sent := Note{Channel: key % 16, Key: key, Velocity: 127 - key}
		if err := sender.Send(receiver, sent); err != nil {
			t.Fatal(err)
		}
		received, err := receiver.Receive(5 * time.Second)
		if err != nil || received != sent {
			t.Fatalf("received %v (%v), sent %v", received, err, sent)
		}
	}
}

func TestSilenceIsATimeout(t *testing.T) {
	if _, err := open(t, "receiver").Receive(50 * time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%v instead of a timeout", err)
	}
}
