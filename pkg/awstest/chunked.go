package awstest

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
)

func contentLength(r *http.Request) string { return strconv.FormatInt(r.ContentLength, 10) }

// unchunk takes the aws-chunked framing off an upload (Amazon S3 API Reference,
// "Signature calculations: transferring payload in multiple chunks"). Checksums in
// the trailer are not compared.
func (c *call) unchunk() error {
	if c.service != "s3" || !strings.HasPrefix(c.r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return nil
	}
	broken := refuse(http.StatusBadRequest, "IncompleteBody", "The request body terminated unexpectedly.")
	var plain []byte
	for rest := c.body; ; {
		line, after, ok := bytes.Cut(rest, []byte("\r\n"))
		if !ok {
			return broken
		}
		digits, _, _ := strings.Cut(string(line), ";")
		size, err := strconv.ParseUint(digits, 16, 31)
		if err != nil || int(size) > len(after) {
			return broken
		}
		if size == 0 {
			break
		}
		plain = append(plain, after[:size]...)
		rest = bytes.TrimPrefix(after[size:], []byte("\r\n"))
	}
	c.body = plain
	return nil
}
