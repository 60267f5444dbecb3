package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"
)

// figure is what one run of a command took.
type figure struct {
	wall, cpu time.Duration
	memory    int64 // greatest resident size, in bytes
}

// run runs one command to its end.
func run(argv ...string) (figure, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	started := time.Now()
	err := cmd.Run()
	f := figure{wall: time.Since(started)}
	if cmd.ProcessState != nil {
		f.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		f.memory = maxResident(cmd.ProcessState)
	}
	if err != nil {
		return f, fmt.Errorf("%v: %w\n%s", argv, err, stderr.Bytes())
	}
	return f, nil
}

// task is something to be timed: commands one after the other, after a
// preparation that is not counted.
type task struct {
	prepare  func() error
	commands [][]string
}

func (t task) once() (figure, error) {
	var sum figure
	if t.prepare != nil {
		if err := t.prepare(); err != nil {
			return sum, err
		}
	}
	for _, argv := range t.commands {
		f, err := run(argv...)
		if err != nil {
			return sum, err
		}
		sum.wall, sum.cpu, sum.memory = sum.wall+f.wall, sum.cpu+f.cpu, max(sum.memory, f.memory)
	}
	return sum, nil
}

// pair times two tasks in turn, so that whatever else the machine does meets
// both, and gives the median of each.
func pair(rounds int, one, other task) (a, b figure, err error) {
	var as, bs []figure
	for i := range rounds + 1 {
		fa, err := one.once()
		if err != nil {
			return a, b, err
		}
		fb, err := other.once()
		if err != nil {
			return a, b, err
		}
		if i > 0 { // the first round warms files and caches
			as, bs = append(as, fa), append(bs, fb)
		}
	}
	return median(as), median(bs), nil
}

func median(all []figure) figure {
	var walls, cpus []time.Duration
	var memories []int64
	for _, f := range all {
		walls, cpus, memories = append(walls, f.wall), append(cpus, f.cpu), append(memories, f.memory)
	}
	slices.Sort(walls)
	slices.Sort(cpus)
	slices.Sort(memories)
	return figure{walls[len(walls)/2], cpus[len(cpus)/2], memories[len(memories)/2]}
}

func removeAll(paths ...string) func() error {
	return func() error {
		for _, path := range paths {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		}
		return nil
	}
}
