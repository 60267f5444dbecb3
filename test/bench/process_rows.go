package main

import (
	"os"
	"path/filepath"

	"gopkg.in/ini.v1"
)

// processRows: what it costs to start, and to answer from the cache.
var processRows = []row{
	{near, "version, wall", "an empty cobra and cli-runtime program", 1.5, (*bench).startUp},
	{near, "credential-process, cached, wall", "version", 1.2, (*bench).cached},
}

func (b *bench) version() task {
	return task{nil, [][]string{{b.program("kubectl-irsa"), "version"}}}
}

func (b *bench) startUp() (outcome, error) {
	ours, empty, err := pair(4*b.rounds, b.version(), task{nil, [][]string{{b.program("empty"), "version"}}})
	return walls(ours, empty), err
}

func (b *bench) cached() (outcome, error) {
	if _, err := b.login().once(); err != nil {
		return outcome{}, err
	}
	file, err := ini.Load(filepath.Join(os.Getenv("HOME"), ".aws", "config"))
	if err != nil {
		return outcome{}, err
	}
	// The shell replaces itself by the program: its own start is in neither figure's way.
	line := file.Section("profile bench").Key("credential_process").Value()
	ours, version, err := pair(4*b.rounds, task{nil, [][]string{{"sh", "-c", "exec " + line}}},
		task{nil, [][]string{{"sh", "-c", "exec " + b.program("kubectl-irsa") + " version"}}})
	return walls(ours, version), err
}
