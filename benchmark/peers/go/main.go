// One measurement by the Go driver, as benchmark/client.mjs: `bench JOB`.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"
)

const (
	warmUp   = 500 * time.Millisecond
	measured = 1500 * time.Millisecond
)

type job struct {
	Measurement string            `json:"measurement"`
	URI         string            `json:"uri"`
	User        string            `json:"user"`
	Password    string            `json:"password"`
	Queries     map[string]string `json:"queries"`
}

type figures struct {
	Rate     float64            `json:"rate"`
	CPU      float64            `json:"cpu"`
	Peak     float64            `json:"peak"`
	Checksum map[string]float64 `json:"checksum"`
}

type client struct {
	driver  neo4j.DriverWithContext
	queries map[string]string
}

var ctx = context.Background()

func main() {
	var asked job
	check(json.Unmarshal([]byte(os.Args[1]), &asked))
	driver, err := neo4j.NewDriverWithContext(asked.URI, neo4j.BasicAuth(asked.User, asked.Password, ""))
	check(err)
	defer driver.Close(ctx)
	told, err := client{driver, asked.Queries}.measure(asked.Measurement)
	check(err)
	check(json.NewEncoder(os.Stdout).Encode(told))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (c client) measure(name string) (figures, error) {
	kind, rest, _ := strings.Cut(name, "-")
	switch kind {
	case "scan":
		return c.scan(rest == "collect")
	case "unwind":
		return c.unwind()
	}
	concurrency, err := strconv.Atoi(rest)
	if err != nil {
		return figures{}, err
	}
	ask := c.bySession
	if kind == "execute" {
		ask = c.byExecuteQuery
	}
	return small(ask, concurrency)
}

func usage() (seconds float64, mebibytes float64) {
	var used syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	of := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return of(used.Utime) + of(used.Stime), float64(used.Maxrss) / 1024
}

// timed runs work, which tells how many it did.
func timed(work func() (int, error)) (figures, error) {
	runtime.GC()
	before, _ := usage()
	start := time.Now()
	count, err := work()
	seconds := time.Since(start).Seconds()
	after, peak := usage()
	return figures{Rate: float64(count) / seconds, CPU: (after - before) / float64(count), Peak: peak}, err
}

func (c client) scan(collected bool) (figures, error) {
	var rows, sum float64
	read := func(record *neo4j.Record) {
		id, _ := record.Get("id")
		name, _ := record.Get("name")
		score, _ := record.Get("score")
		text := name.(string)
		rows++
		sum += float64(id.(int64)) + float64(len(text)) + float64(text[len(text)-1]) + score.(float64)
	}
	run := func() (int, error) {
		rows, sum = 0, 0
		session := c.driver.NewSession(ctx, neo4j.SessionConfig{})
		defer session.Close(ctx)
		result, err := session.Run(ctx, c.queries["scan"], nil)
		if err != nil {
			return 0, err
		}
		if collected {
			records, err := result.Collect(ctx)
			for _, record := range records {
				read(record)
			}
			return int(rows), err
		}
		for result.Next(ctx) {
			read(result.Record())
		}
		return int(rows), result.Err()
	}
	if _, err := run(); err != nil {
		return figures{}, err
	}
	told, err := timed(run)
	told.Checksum = map[string]float64{"rows": rows, "sum": sum}
	return told, err
}

func (c client) bySession() (int64, error) {
	session := c.driver.NewSession(ctx, neo4j.SessionConfig{})
	defer session.Close(ctx)
	result, err := session.Run(ctx, c.queries["one"], nil)
	if err != nil {
		return 0, err
	}
	record, err := result.Single(ctx)
	if err != nil {
		return 0, err
	}
	return record.Values[0].(int64), nil
}

func (c client) byExecuteQuery() (int64, error) {
	result, err := neo4j.ExecuteQuery(ctx, c.driver, c.queries["one"], nil, neo4j.EagerResultTransformer)
	if err != nil {
		return 0, err
	}
	return result.Records[0].Values[0].(int64), nil
}

func small(ask func() (int64, error), concurrency int) (figures, error) {
	var answered atomic.Int64
	repeated := func(duration time.Duration) (int, error) {
		var done atomic.Int64
		var failed atomic.Pointer[error]
		var loops sync.WaitGroup
		end := time.Now().Add(duration)
		for range make([]struct{}, concurrency) {
			loops.Add(1)
			go func() {
				defer loops.Done()
				for time.Now().Before(end) {
					answer, err := ask()
					if err != nil {
						failed.Store(&err)
						return
					}
					answered.Add(answer)
					done.Add(1)
				}
			}()
		}
		loops.Wait()
		if err := failed.Load(); err != nil {
			return 0, *err
		}
		return int(done.Load()), nil
	}
	if _, err := repeated(warmUp); err != nil {
		return figures{}, err
	}
	answered.Store(0)
	var done int
	told, err := timed(func() (count int, err error) {
		done, err = repeated(measured)
		return done, err
	})
	told.Checksum = map[string]float64{"answered": float64(answered.Load()) / float64(done)}
	return told, err
}

func (c client) unwind() (figures, error) {
	cities := []string{"Warszawa", "London", "Berlin", "Tokyo"}
	rows := make([]any, 10_000)
	for i := range rows {
		rows[i] = map[string]any{
			"id":     i,
			"name":   fmt.Sprintf("Person number %d", i),
			"score":  float64(i) * 0.37,
			"active": i%3 == 0,
			"city":   cities[i%len(cities)],
		}
	}
	var record *neo4j.Record
	repeated := func(duration time.Duration) (int, error) {
		done := 0
		for end := time.Now().Add(duration); time.Now().Before(end); done++ {
			session := c.driver.NewSession(ctx, neo4j.SessionConfig{})
			result, err := session.Run(ctx, c.queries["unwind"], map[string]any{"rows": rows})
			if err == nil {
				record, err = result.Single(ctx)
			}
			session.Close(ctx)
			if err != nil {
				return 0, err
			}
		}
		return done, nil
	}
	if _, err := repeated(warmUp); err != nil {
		return figures{}, err
	}
	told, err := timed(func() (int, error) { return repeated(measured) })
	count, _ := record.Get("rows")
	total, _ := record.Get("total")
	text, _ := record.Get("text")
	told.Checksum = map[string]float64{
		"rows":  float64(count.(int64)),
		"total": math.Round(total.(float64)),
		"text":  float64(text.(int64)),
	}
	return told, err
}
