package awsconfig

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// An edit of a file with 200 profiles; most of it is waiting for the disk. The
// sub-benchmark without a file shows what the reading and checking costs.
func BenchmarkEdit(b *testing.B) {
	var data []byte
	for i := range 200 {
		data = fmt.Appendf(data, "[profile own-%d]\nregion = us-east-1\nrole_arn = arn:aws:iam::111122223333:role/r%d\nsource_profile = default\n\n", i, i)
	}
	regions := []string{"us-east-1", "eu-west-1"}
	b.Run("file", func(b *testing.B) {
		path := filepath.Join(b.TempDir(), "config")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			b.Fatal(err)
		}
		for i := 0; b.Loop(); i++ {
			if err := Edit(b.Context(), path, setProfile("p", Setting{"region", regions[i%2]})); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("memory", func(b *testing.B) {
		for b.Loop() {
			f, err := Parse(data)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := f.Apply(Change{Profile: "p", Set: someSettings}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
