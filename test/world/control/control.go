// Package control is how a command inside a world asks the world to change: a
// request and an answer, a line of JSON each, over a unix socket.
package control

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
)

// A Request is a verb and its arguments.
type Request struct {
	Verb string   `json:"verb"`
	Args []string `json:"args,omitempty"`
}

type answer struct {
	Output string `json:"output,omitempty"`
	Error  string `json:"error,omitempty"`
}

// Listen answers requests at the socket path, one connection each, until the
// listener that it returns is closed. Only the socket's owner may connect.
func Listen(path string, handle func(Request) (string, error)) (net.Listener, error) {
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listening for control requests: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("listening for control requests: %w", err), listener.Close())
	}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return // closed
			}
			go serve(connection, handle)
		}
	}()
	return listener, nil
}

func serve(connection net.Conn, handle func(Request) (string, error)) {
	defer connection.Close()
	var request Request
	var reply answer
	err := json.NewDecoder(bufio.NewReader(connection)).Decode(&request)
	if err == nil {
		reply.Output, err = handle(request)
	}
	if err != nil {
		reply.Error = err.Error()
	}
	_ = json.NewEncoder(connection).Encode(reply) // nobody to tell: the client is gone
}

// Ask sends a request to the socket path and returns what the world says once
// the change is made, or its error.
func Ask(path, verb string, args ...string) (string, error) {
	connection, err := net.Dial("unix", path)
	if err != nil {
		return "", fmt.Errorf("asking the world to %s: %w", verb, err)
	}
	defer connection.Close()
	if err := json.NewEncoder(connection).Encode(Request{Verb: verb, Args: args}); err != nil {
		return "", fmt.Errorf("asking the world to %s: %w", verb, err)
	}
	var reply answer
	if err := json.NewDecoder(connection).Decode(&reply); err != nil {
		return "", fmt.Errorf("asking the world to %s: reading its answer: %w", verb, err)
	}
	if reply.Error != "" {
		return reply.Output, errors.New(reply.Error)
	}
	return reply.Output, nil
}
