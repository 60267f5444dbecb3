package hint

import (
	"slices"
	"strings"
)

// Nearest are the names most like one that is not there: at most three, and
// only such as a slip of the keyboard explains.
func Nearest(name string, among []string) []string {
	type scored struct {
		name     string
		distance int
	}
	var near []scored
	for _, candidate := range among {
		d := Distance(strings.ToLower(name), strings.ToLower(candidate))
		if d <= max(2, len(name)/3) || strings.HasPrefix(candidate, name) || strings.HasPrefix(name, candidate) {
			near = append(near, scored{candidate, d})
		}
	}
	slices.SortStableFunc(near, func(a, b scored) int {
		if a.distance != b.distance {
			return a.distance - b.distance
		}
		return strings.Compare(a.name, b.name)
	})
	var names []string
	for _, n := range near[:min(len(near), 3)] {
		names = append(names, n.name)
	}
	return names
}

// Distance is Levenshtein's: the fewest insertions, deletions and
// substitutions that turn a into b.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			diagonal, row[j] = row[j], min(row[j]+1, row[j-1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
