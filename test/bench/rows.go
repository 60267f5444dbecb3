package main

import "slices"

// Worlds that rows are measured in.
var (
	delayed = []string{"--rtt", "20ms"}
	near    = []string{"--rtt", "0s"}
)

// rows is the table, in its order.
var rows = slices.Concat(loginRows, processRows, sizeRows)
