// The cost of Go's channels with its block profile on: the cases of benches/channels.rs.
//
//	cd benches/peers/go_channels && go run . [rounds]
//
// Each round runs one segment at each rate, so that a drift of the machine meets all of them. Shown
// are the medians of the time per message, and of the ratio to rate 0 within the round.
package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"
)

const producers = 4

var rates = []int{0, 1_000_000, 1}

func inTurn(messages int) time.Duration {
	c := make(chan uint64, 128)
	start := time.Now()
	for i := range messages {
		c <- uint64(i)
		if <-c != uint64(i) {
			panic("lost")
		}
	}
	return time.Since(start)
}

func pingPong(capacity int) func(int) time.Duration {
	return func(messages int) time.Duration {
		ping, pong := make(chan uint64, capacity), make(chan uint64, capacity)
		go func() {
			for message := range ping {
				pong <- message + 1
			}
		}()
		start := time.Now()
		for i := range messages / 2 {
			ping <- uint64(i)
			if <-pong != uint64(i)+1 {
				panic("lost")
			}
		}
		elapsed := time.Since(start)
		close(ping)
		return elapsed
	}
}

func queue(messages int) time.Duration {
	c := make(chan uint64, 128)
	each := messages / producers
	var ready sync.WaitGroup
	begin := make(chan struct{})
	ready.Add(producers)
	for range producers {
		go func() {
			ready.Done()
			<-begin
			for i := range each {
				c <- uint64(i)
			}
		}()
	}
	ready.Wait()
	start := time.Now()
	close(begin)
	sum := uint64(0)
	for range each * producers {
		sum += <-c
	}
	elapsed := time.Since(start)
	if sum != uint64(producers*each*(each-1)/2) {
		panic("lost")
	}
	return elapsed
}

func median(numbers []float64) float64 {
	slices.Sort(numbers)
	return numbers[len(numbers)/2]
}

func main() {
	rounds := 51
	if len(os.Args) > 1 {
		rounds, _ = strconv.Atoi(os.Args[1])
	}
	fmt.Printf("%s, GOMAXPROCS %d, %d rounds\n", runtime.Version(), runtime.GOMAXPROCS(0), rounds)
	cases := []struct {
		name     string
		run      func(int) time.Duration
		messages int
	}{
		{"not blocking, send + recv", inTurn, 200_000},
		{"ping-pong, capacity 0", pingPong(0), 20_000},
		{"ping-pong, capacity 1", pingPong(1), 20_000},
		{"queue of 128, 4 producers", queue, 100_000},
	}
	for _, c := range cases {
		times, ratios := make([][]float64, len(rates)), make([][]float64, len(rates))
		for round := range rounds + 1 {
			var off float64
			for i, rate := range rates {
				runtime.SetBlockProfileRate(rate)
				nanos := float64(c.run(c.messages).Nanoseconds()) / float64(c.messages)
				if rate == 0 {
					off = nanos
				}
				if round > 0 {
					times[i] = append(times[i], nanos)
					ratios[i] = append(ratios[i], nanos/off)
				}
			}
		}
		for i, rate := range rates {
			fmt.Printf("  %-28s rate %7d ns: %8.1f ns/op, ratio %.3f\n",
				c.name, rate, median(times[i]), median(ratios[i]))
		}
	}
}
