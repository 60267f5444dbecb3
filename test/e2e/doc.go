// Package e2e plays scripts with the built plugin, the real AWS CLI and a program
// of the Go SDK in the world of test/world:
//
//	go run ./test/world --plugin $PWD/bin -- go test -tags e2e ./test/e2e/...
//
// testdata/script holds scripts that run side by side in one world: each has a
// HOME of its own, and creates what it creates under names of its own.
// testdata/alone holds those that must be alone in it, since they read the
// servers' logs or stop servers. testdata/worlds holds those that need a world of
// another kind, which the first line of each names:
//
//	# world: --signing-key ecdsa
//
// UPDATE=1 rewrites what the scripts expect.
package e2e
