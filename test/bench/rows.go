package main

import "slices"

// Worlds that rows are measured in.
var (
	delayed = []string{"--rtt", "20ms"}
	near    = []string{"--rtt", "0s"}
	crowded = []string{"--rtt", "0ms"} // a world of its own, which is filled
)

// rows is the table, in its order.
var rows = slices.Concat(loginRows, processRows, dailyRows, inspectRows, injectRows, configRows, setupRows, scaleRows, sizeRows)
