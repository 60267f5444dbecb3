package controlplane

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// An Event is a request that the API server handled, as its audit log has it.
// https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
type Event struct {
	Verb       string `json:"verb"`       // create, get, list ...
	RequestURI string `json:"requestURI"` // path and query
	UserAgent  string `json:"userAgent"`
	User       struct {
		Username string `json:"username"`
	} `json:"user"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
}

// ReadAudit reads the events of an audit log from the byte offset given and
// returns the offset after the last whole line. A log that does not exist yet
// is empty.
func ReadAudit(path string, offset int64) ([]Event, int64, error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, offset, fmt.Errorf("reading the audit log: %w", err)
	}
	var events []Event
	for offset < int64(len(text)) {
		line, _, whole := bytes.Cut(text[offset:], []byte("\n"))
		if !whole {
			break
		}
		var event Event
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, offset, fmt.Errorf("reading the audit log %s at byte %d: %w", path, offset, err)
		}
		events = append(events, event)
		offset += int64(len(line)) + 1
	}
	return events, offset, nil
}
