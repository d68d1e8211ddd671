// A ticker of 100 ms for 50 s, and a timer for the 10 s after it.
package main

import (
	"fmt"
	"time"
)

func main() {
	began := time.Now()
	ticker := time.NewTicker(100 * time.Millisecond)
	for i := 0; i < 500; i++ {
		<-ticker.C
	}
	ticker.Stop()
	<-time.NewTimer(10 * time.Second).C
	fmt.Println(time.Since(began).Nanoseconds())
}
