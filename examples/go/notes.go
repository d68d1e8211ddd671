// Package notes sends and receives notes through the Linux ALSA sequencer, /dev/snd/seq, without cgo.
package notes

import (
	"encoding/binary"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// From sound/asequencer.h.
const (
	ioctlClientID   = 0x80045301
	ioctlCreatePort = 0xc0a85320

	portCanRead      = 1<<0 | 1<<5
	portCanWrite     = 1<<1 | 1<<6
	portIsMIDI       = 1 << 1
	eventNoteOn      = 6
	queueDirect      = 253
	eventSize        = 28
	portInfoSize     = 168
	offsetName       = 2
	offsetCapability = 68
	offsetType       = 72
)

// Port is a port of a client of its own.
type Port struct {
	file         *os.File
	client, port byte
}

// Note is a note that starts. Its channel is 0 to 15, key and velocity are 0 to 127.
type Note struct{ Channel, Key, Velocity byte }

// Open opens the sequencer and makes a port.
func Open(name string) (*Port, error) {
	// With O_NONBLOCK, Go's poller waits for events, and deadlines work.
	file, err := os.OpenFile("/dev/snd/seq", os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	var id int32
	var info [portInfoSize]byte
	if err := ioctl(file, ioctlClientID, unsafe.Pointer(&id)); err != nil {
		file.Close()
		return nil, fmt.Errorf("asking for the client's number: %w", err)
	}
	info[0] = byte(id)
	copy(info[offsetName:offsetCapability-1], name)
	binary.LittleEndian.PutUint32(info[offsetCapability:], portCanRead|portCanWrite)
	binary.LittleEndian.PutUint32(info[offsetType:], portIsMIDI)
	if err := ioctl(file, ioctlCreatePort, unsafe.Pointer(&info)); err != nil {
		file.Close()
		return nil, fmt.Errorf("making the port %s: %w", name, err)
	}
	return &Port{file, info[0], info[1]}, nil
}

// Close closes the client.
func (p *Port) Close() error { return p.file.Close() }

// Send sends a note to another port at once.
func (p *Port) Send(to *Port, note Note) error {
	event := [eventSize]byte{0: eventNoteOn, 3: queueDirect, 12: p.client, 13: p.port, 14: to.client, 15: to.port,
		16: note.Channel, 17: note.Key, 18: note.Velocity}
	_, err := p.file.Write(event[:])
	return err
}

// Receive returns the next note, or an error if none comes in time. It skips other events.
func (p *Port) Receive(timeout time.Duration) (Note, error) {
	if err := p.file.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return Note{}, err
	}
	var event [eventSize]byte
	for {
		if _, err := p.file.Read(event[:]); err != nil {
			return Note{}, err
		}
		if event[0] == eventNoteOn {
			return Note{event[16], event[17], event[18]}, nil
		}
	}
}

func ioctl(file *os.File, request uintptr, argument unsafe.Pointer) error {
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var errno syscall.Errno
	err = conn.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(argument))
	})
	if err == nil && errno != 0 {
		err = errno
	}
	return err
}
