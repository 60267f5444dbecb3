package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// setupRows: what it costs to build a chain, and to find it built. Round trips
// are the difference that a delay makes, divided by the delay: what the servers
// and this machine take stands on both sides.
var setupRows = []row{
	{bareNear, "setup again, nothing to do, wall without delay", "the first setup", 1, (*bench).setupNear},
	{bareDelayed, "setup from nothing, round trips of wall", "its longest chain of dependent requests", 1.5, (*bench).setupFirst},
	{bareDelayed, "setup again, nothing to do, round trips of wall", "12", 1, (*bench).setupAgain},
}

// Worlds without a chain: each first setup is the first.
var (
	bareNear    = []string{"--bare"}
	bareDelayed = []string{"--bare", "--rtt", "20ms"}
)

const roundTrip = 20 * time.Millisecond

// setupChain are the requests of a setup that wait for each other, in the order
// in which they are sent; a connection to a host not met before is two more.
var setupChain = []struct {
	what  string
	trips int
}{
	{"connect to the API server, read the issuer", 3},
	{"ask for tokens that prove the keys", 2},
	{"look for the bucket, with its connection", 3},
	{"create it, and find it as its owner", 4},
	{"its tags: read, write", 2},
	{"Block Public Access: read, write", 2},
	{"bucket policy: read, write", 2},
	{"write keys and document", 2},
	{"fetch both as a stranger, with the connection", 4},
	{"create provider, role, policy", 3},
	{"create the ServiceAccount", 1},
	{"its token, and STS's verdict, which fetches the documents itself", 3},
}

// setupTimes are the walls of a first and of a second run.
type setupTimes struct{ First, Again time.Duration }

func (b *bench) setupTimes() (t setupTimes, err error) {
	kept := filepath.Join(b.dir, "setup-"+os.Getenv("IRSA_WORLD_RTT")+".json")
	if text, err := os.ReadFile(kept); err == nil {
		return t, json.Unmarshal(text, &t)
	}
	policy := filepath.Join(b.dir, "s3.json")
	if err := os.WriteFile(policy, []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`), 0o600); err != nil {
		return t, err
	}
	argv := func(verb ...string) []string {
		return admin(append(append([]string{b.program("kubectl-irsa")}, verb...), "--aws-region", "us-east-1", "--yes")...)
	}
	setup := argv("setup", "bench", "-n", "default", "--policy-file", policy)
	var firsts, repeats []figure
	for range max(b.rounds/3, 3) {
		first, err := run(setup...)
		if err != nil {
			return t, err
		}
		again, err := run(setup...)
		if err != nil {
			return t, err
		}
		if _, err := run(argv("cleanup")...); err != nil {
			return t, err
		}
		if err := fresh()(); err != nil {
			return t, err
		}
		firsts, repeats = append(firsts, first), append(repeats, again)
	}
	t = setupTimes{median(firsts).wall, median(repeats).wall}
	text, err := json.Marshal(t)
	if err != nil {
		return t, err
	}
	return t, os.WriteFile(kept, text, 0o600)
}

func (b *bench) setupNear() (outcome, error) {
	t, err := b.setupTimes()
	return walls(figure{wall: t.Again}, figure{wall: t.First}), err
}

// undelayed reads what setupNear has kept.
func (b *bench) undelayed() (t setupTimes, err error) {
	text, err := os.ReadFile(filepath.Join(b.dir, "setup-0s.json"))
	if err != nil {
		return t, err
	}
	return t, json.Unmarshal(text, &t)
}

func (b *bench) setupFirst() (outcome, error) {
	chain := 0
	for _, link := range setupChain {
		chain += link.trips
	}
	return b.trips(func(t setupTimes) time.Duration { return t.First }, chain)
}

func (b *bench) setupAgain() (outcome, error) {
	return b.trips(func(t setupTimes) time.Duration { return t.Again }, 12)
}

func (b *bench) trips(of func(setupTimes) time.Duration, most int) (outcome, error) {
	delayed, err := b.setupTimes()
	if err != nil {
		return outcome{}, err
	}
	near, err := b.undelayed()
	if err != nil {
		return outcome{}, err
	}
	trips := float64(of(delayed)-of(near)) / float64(roundTrip)
	return outcome{trips / float64(most), fmt.Sprintf("%.1f", trips), fmt.Sprint(most)}, nil
}
