package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

func ioctl(fd uintptr, code uintptr, p unsafe.Pointer) {
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, fd, code, uintptr(p)); e != 0 {
		panic(fmt.Sprintf("ioctl %x: %v", code, e))
	}
}

func client(f *os.File) (int32, byte) {
	c, err := f.SyscallConn()
	if err != nil {
		panic(err)
	}
	var id int32
	var info [168]byte
	c.Control(func(fd uintptr) {
		ioctl(fd, 0x80045301, unsafe.Pointer(&id))
		info[0] = byte(id)
		copy(info[2:], "go")
		binary.LittleEndian.PutUint32(info[68:], 0x7f)
		binary.LittleEndian.PutUint32(info[72:], 2)
		ioctl(fd, 0xc0a85320, unsafe.Pointer(&info))
	})
	return id, info[1]
}

func main() {
	const n, readers = 5000, 4
	var wg sync.WaitGroup
	for r := 0; r < readers; r++ {
		in, err := os.OpenFile("/dev/snd/seq", os.O_RDWR|syscall.O_NONBLOCK, 0)
		if err != nil {
			panic(err)
		}
		out, err := os.OpenFile("/dev/snd/seq", os.O_RDWR|syscall.O_NONBLOCK, 0)
		if err != nil {
			panic(err)
		}
		id, port := client(in)
		oid, oport := client(out)
		wg.Add(2)
		room := make(chan bool, 100)
		go func() {
			defer wg.Done()
			next := uint32(0)
			buf := make([]byte, 28*8)
			for next < n {
				in.SetReadDeadline(time.Now().Add(20 * time.Second))
				k, err := in.Read(buf)
				if err != nil {
					panic(fmt.Sprint("read at ", next, ": ", err))
				}
				for o := 0; o < k; o += 28 {
					v := binary.LittleEndian.Uint32(buf[o+16:])
					if v != next {
						panic(fmt.Sprint("lost: ", v, " for ", next))
					}
					next++
					<-room
				}
			}
		}()
		go func() {
			defer wg.Done()
			for i := uint32(0); i < n; i++ {
				room <- true
				var e [28]byte
				e[0] = 6
				e[3] = 253
				e[12] = byte(oid)
				e[13] = oport
				e[14] = byte(id)
				e[15] = port
				binary.LittleEndian.PutUint32(e[16:], i)
				out.SetWriteDeadline(time.Now().Add(20 * time.Second))
				if _, err := out.Write(e[:]); err != nil {
					if err == syscall.ENOMEM || err == syscall.EAGAIN {
						i--
						<-room
						time.Sleep(time.Millisecond)
						continue
					}
					panic(fmt.Sprint("write: ", err))
				}
				if i%100 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
		}()
	}
	wg.Wait()
	text, err := os.ReadFile("/proc/asound/seq/clients")
	if err != nil {
		panic(err)
	}
	fmt.Println("ok", len(text) > 100)
}
