// The rows of programs in Go: its own calls for waiting. See c/table.h for the form of a row.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

const long = 120 * time.Millisecond
const early = 40 * time.Millisecond

func row(name string, began time.Time, result interface{}) {
	fmt.Printf("%s %v - - 0 %d\n", name, result, time.Since(began).Nanoseconds())
}

func sleeping() {
	began := time.Now()
	time.Sleep(long)
	row("Sleep/time-out", began, 0)
	began = time.Now()
	time.Sleep(0)
	row("Sleep/zero", began, 0)
	began = time.Now()
	time.Sleep(-long)
	row("Sleep/negative", began, 0)
	began = time.Now()
	<-time.After(long)
	row("After/time-out", began, 0)
}

func goroutines() {
	began := time.Now()
	var all sync.WaitGroup
	var lock sync.Mutex
	order := ""
	for number := 0; number < 8; number++ {
		all.Add(1)
		go func(number int) {
			defer all.Done()
			time.Sleep(time.Duration(8-number) * early)
			lock.Lock()
			order += fmt.Sprint(number)
			lock.Unlock()
		}(number)
	}
	all.Wait()
	row("goroutines/order", began, order)
}

func tickers() {
	began := time.Now()
	ticker := time.NewTicker(early)
	for number := 0; number < 5; number++ {
		<-ticker.C
	}
	ticker.Stop()
	row("Ticker/five", began, 5)

	began = time.Now()
	timer := time.NewTimer(long)
	time.Sleep(early)
	row("Timer/stop", began, timer.Stop())
	timer.Reset(long)
	<-timer.C
	row("Timer/reset", began, 0)
	began = time.Now()
	done := make(chan int)
	time.AfterFunc(long, func() { done <- 9 })
	row("AfterFunc/time-out", began, <-done)
}

func channels() {
	other := make(chan int)
	go func() {
		time.Sleep(early)
		other <- 7
	}()
	began := time.Now()
	select {
	case number := <-other:
		row("select/woken", began, number)
	case <-time.After(long):
		row("select/woken", began, "timeout")
	}
	began = time.Now()
	select {
	case number := <-other:
		row("select/time-out", began, number)
	case <-time.After(long):
		row("select/time-out", began, "timeout")
	}
	began = time.Now()
	limited, cancel := context.WithTimeout(context.Background(), long)
	<-limited.Done()
	row("context/time-out", began, limited.Err() == context.DeadlineExceeded)
	cancel()
}

func sockets() {
	descriptors, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		panic(err)
	}
	ours, _ := net.FileConn(os.NewFile(uintptr(descriptors[0]), "ours"))
	theirs, _ := net.FileConn(os.NewFile(uintptr(descriptors[1]), "theirs"))
	byte := make([]byte, 1)
	began := time.Now()
	ours.SetReadDeadline(time.Now().Add(long))
	_, err = ours.Read(byte)
	row("SetReadDeadline/time-out", began, os.IsTimeout(err))
	began = time.Now()
	ours.SetReadDeadline(time.Now().Add(-long))
	_, err = ours.Read(byte)
	row("SetReadDeadline/past", began, os.IsTimeout(err))
	go func() {
		time.Sleep(early)
		theirs.Write(byte)
	}()
	began = time.Now()
	ours.SetReadDeadline(time.Now().Add(long))
	count, err := ours.Read(byte)
	row("SetReadDeadline/woken", began, count)
}

func processes() {
	began := time.Now()
	limited, cancel := context.WithTimeout(context.Background(), long)
	err := exec.CommandContext(limited, "sleep", "5").Run()
	cancel()
	row("CommandContext/time-out", began, fmt.Sprintf("%q", err.Error())[1:7])
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	go func() {
		time.Sleep(early)
		syscall.Kill(syscall.Getpid(), syscall.SIGUSR1)
	}()
	began = time.Now()
	select {
	case <-signals:
		row("Notify/woken", began, "signal")
	case <-time.After(long):
		row("Notify/woken", began, "timeout")
	}
	// The runtime sleeps on whatever signals come.
	go func() {
		time.Sleep(early)
		syscall.Kill(syscall.Getpid(), syscall.SIGUSR1)
	}()
	began = time.Now()
	time.Sleep(long)
	row("Sleep/handler", began, len(signals))
}

func main() {
	sleeping()
	goroutines()
	tickers()
	channels()
	sockets()
	processes()
}
