// Package startup lets the heap grow before it is collected. What the program
// allocates until main begins, the types of the Kubernetes API above all, it
// keeps; two collections of that are a sixth of the time that a short command
// takes. The Go runtime initialises packages that are ready in the order of
// their paths, so this one, which imports next to nothing, comes before them.
// https://go.dev/ref/spec#Program_initialization
package startup

import "runtime/debug"

// growth is how much larger than what lives the heap may be, in percent. Go's
// own is 100; a table of ten thousand objects stays below 100 MB with this.
const growth = 400

func init() { debug.SetGCPercent(growth) }
