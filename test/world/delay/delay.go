// Package delay holds each packet of a link for a fixed time, which makes a
// round trip on a machine that has none. Unlike a delay in a proxy it counts
// for every packet: the handshakes of TCP and TLS pay it too.
package delay

import (
	"fmt"
	"io"
	"time"
)

// mtu is the largest packet a TUN device hands over here, with room to spare.
const mtu = 64 << 10

// queued is how many packets may be under way at once; a link that holds more
// is slowed down, as a full link is.
const queued = 4096

type packet struct {
	due  time.Time
	data []byte
}

// Copy reads packets from src, one a Read, and writes each to dst, one a Write,
// when hold has passed since it was read. Packets keep their order. It returns
// when src ends (nil) or either side fails, after what was read is written.
func Copy(dst io.Writer, src io.Reader, hold time.Duration) error {
	packets := make(chan packet, queued)
	failed := make(chan error, 1)
	go func() {
		defer close(packets)
		buffer := make([]byte, mtu)
		for {
			n, err := src.Read(buffer)
			if n > 0 {
				packets <- packet{time.Now().Add(hold), append([]byte(nil), buffer[:n]...)}
			}
			if err != nil {
				if err != io.EOF {
					failed <- fmt.Errorf("reading a packet: %w", err)
				}
				return
			}
		}
	}()
	var wrong error
	for p := range packets {
		if wrong != nil {
			continue // lets the reader come to its end
		}
		time.Sleep(time.Until(p.due))
		if _, err := dst.Write(p.data); err != nil {
			wrong = fmt.Errorf("writing a packet: %w", err)
		}
	}
	select {
	case err := <-failed:
		return err
	default:
		return wrong
	}
}
