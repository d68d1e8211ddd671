// Sleeps, goroutines and tickers: prints when each is over.
package main

import (
	"fmt"
	"sync"
	"time"
)

func main() {
	began := time.Now()
	time.Sleep(100 * time.Second)
	fmt.Println("slept", time.Since(began))
	var group sync.WaitGroup
	for i := 1; i <= 3; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			time.Sleep(time.Duration(i) * time.Second)
			fmt.Println(i, time.Since(began))
		}(i)
	}
	group.Wait()
	ticker := time.NewTicker(250 * time.Millisecond)
	for i := 0; i < 2; i++ {
		<-ticker.C
		fmt.Println("tick", time.Since(began))
	}
	<-time.After(3 * time.Second)
	fmt.Println("after", time.Since(began))
}
