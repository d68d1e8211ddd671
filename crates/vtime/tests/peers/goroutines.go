// A hundred goroutines that sleep for different times, the longest one for 60 s.
package main

import (
	"fmt"
	"sync"
	"time"
)

func main() {
	began := time.Now()
	var all sync.WaitGroup
	for i := 1; i <= 100; i++ {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			time.Sleep(time.Duration(i) * 600 * time.Millisecond)
		}(i)
	}
	all.Wait()
	fmt.Println(time.Since(began).Nanoseconds())
}
