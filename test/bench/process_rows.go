package main

import (
	"fmt"
	"os"
	"path/filepath"

	"gopkg.in/ini.v1"

	"github.com/kubectl-irsa/kubectl-irsa/test/world/inside"
)

// processRows: what it costs to start, and to answer from the cache.
var processRows = []row{
	{near, "version, wall", "an empty cobra and cli-runtime program", 1.5, (*bench).startUp},
	{near, "credential-process, cached, wall", "version", 1.2, (*bench).cached},
	{near, "50 credential-process at once, cold cache, requests", "1 TokenRequest and 1 AssumeRoleWithWebIdentity", 1, (*bench).herd},
}

func (b *bench) version() task {
	return task{nil, [][]string{{b.program("kubectl-irsa"), "version"}}}
}

func (b *bench) startUp() (outcome, error) {
	ours, empty, err := pair(4*b.rounds, b.version(), task{nil, [][]string{{b.program("empty"), "version"}}})
	return walls(ours, empty), err
}

// credentialProcess logs in and gives the command line of the profile.
func (b *bench) credentialProcess() (string, error) {
	if _, err := b.login().once(); err != nil {
		return "", err
	}
	file, err := ini.Load(filepath.Join(os.Getenv("HOME"), ".aws", "config"))
	if err != nil {
		return "", err
	}
	return file.Section("profile bench").Key("credential_process").Value(), nil
}

// herd counts what fifty callers ask of the servers when nothing is kept.
func (b *bench) herd() (outcome, error) {
	line, err := b.credentialProcess()
	if err != nil {
		return outcome{}, err
	}
	if err := removeAll(filepath.Join(os.Getenv("HOME"), ".kube"))(); err != nil {
		return outcome{}, err
	}
	world, err := inside.From(os.Getenv)
	if err != nil {
		return outcome{}, err
	}
	mark, err := world.Mark()
	if err != nil {
		return outcome{}, err
	}
	const callers = 50
	answers := make(chan error, callers)
	for range callers {
		go func() {
			_, err := run("sh", "-c", "exec "+line)
			answers <- err
		}()
	}
	for range callers {
		if err := <-answers; err != nil {
			return outcome{}, err
		}
	}
	aws, cluster, _, err := world.Since(mark)
	if err != nil {
		return outcome{}, err
	}
	asked := len(cluster)
	for _, request := range aws {
		if !request.ByServer() {
			asked++
		}
	}
	return outcome{float64(asked) / 2, fmt.Sprint(asked), "2"}, nil
}

func (b *bench) cached() (outcome, error) {
	line, err := b.credentialProcess()
	if err != nil {
		return outcome{}, err
	}
	// The shell replaces itself by the program: its own start is in neither figure's way.
	ours, version, err := pair(4*b.rounds, task{nil, [][]string{{"sh", "-c", "exec " + line}}},
		task{nil, [][]string{{"sh", "-c", "exec " + b.program("kubectl-irsa") + " version"}}})
	return walls(ours, version), err
}
