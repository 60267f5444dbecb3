package servers

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

const (
	// pollInterval is how often the lock of another builder is tried.
	pollInterval = 500 * time.Millisecond
	// reportInterval is how often a build that is under way says so.
	reportInterval = 10 * time.Second
)

// progress counts the packages that `go build -v` names on standard error, one
// a line, keeps what else it prints, and reports at an interval.
type progress struct {
	out   io.Writer
	name  string
	began time.Time
	quit  chan struct{}
	ended chan struct{}

	mu       sync.Mutex
	partial  []byte
	packages int
	other    []string
}

func newProgress(out io.Writer, name string) *progress {
	p := &progress{out: out, name: name, began: time.Now(), quit: make(chan struct{}), ended: make(chan struct{})}
	fmt.Fprintf(out, "world: building %s, once; it stays in the cache\n", name)
	go p.run()
	return p
}

func (p *progress) run() {
	defer close(p.ended)
	tick := time.NewTicker(reportInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			fmt.Fprintf(p.out, "world: building %s: %s, %d packages compiled\n", p.name, p.elapsed(), p.count())
		case <-p.quit:
			return
		}
	}
}

func (p *progress) stop() {
	close(p.quit)
	<-p.ended
	fmt.Fprintf(p.out, "world: %s took %s\n", p.name, p.elapsed())
}

// Write takes what go build prints.
func (p *progress) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.partial = append(p.partial, text...)
	for {
		line, rest, whole := bytes.Cut(p.partial, []byte("\n"))
		if !whole {
			return len(text), nil
		}
		p.partial = rest
		if isPackage(string(line)) {
			p.packages++
		} else {
			p.other = append(p.other, string(line))
		}
	}
}

// isPackage tells an import path from a message: messages have blanks.
func isPackage(line string) bool {
	return line != "" && !strings.ContainsAny(line, " \t") && !strings.HasPrefix(line, "#")
}

func (p *progress) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.packages
}

// complaints is what the build printed beside package names, at most 50 lines.
func (p *progress) complaints() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.other[max(0, len(p.other)-50):], "\n")
}

func (p *progress) elapsed() time.Duration { return time.Since(p.began).Round(time.Second) }
