package cli

import (
	"bytes"
	"os"
	"testing"
)

func TestNothingButATerminalIsOne(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for name, stream := range map[string]any{"the null device": null, "a buffer": &bytes.Buffer{}, "nothing": nil} {
		if isTerminal(stream) {
			t.Errorf("%s is taken for a terminal", name)
		}
	}
}
