package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// dailyRows: what people and their shells wait for all day.
var dailyRows = []row{
	{near, "exec with cached credentials, wall added to the child", "version", 1.3, (*bench).execCached},
	{near, "completion of ServiceAccounts, wall", "1.5 version and the bare list", 1, (*bench).completion},
}

func (b *bench) execCached() (outcome, error) {
	argv := []string{b.program("kubectl-irsa"), "exec", os.Getenv("IRSA_SERVICE_ACCOUNT"), "--region", "us-east-1", "--", "true"}
	if _, err := run(argv...); err != nil {
		return outcome{}, err
	}
	ours, version, err := pair(4*b.rounds, task{nil, [][]string{argv}}, b.version())
	if err != nil {
		return outcome{}, err
	}
	child, _, err := pair(b.rounds, task{nil, [][]string{{"true"}}}, task{nil, [][]string{{"true"}}})
	added := figure{wall: ours.wall - child.wall}
	return walls(added, version), err
}

func (b *bench) completion() (outcome, error) {
	link := filepath.Join(b.dir, "kubectl_complete-irsa")
	if err := os.Symlink(b.program("kubectl-irsa"), link); err != nil && !os.IsExist(err) {
		return outcome{}, err
	}
	argv := []string{link, "login", "", "-n", os.Getenv("IRSA_NAMESPACE")}
	shown, err := exec.Command(argv[0], argv[1:]...).Output()
	if err != nil || len(shown) == 0 {
		return outcome{}, fmt.Errorf("completion of %v shows nothing: %w", argv, err)
	}
	ours, list, err := pair(2*b.rounds, task{nil, [][]string{argv}}, task{nil, [][]string{{b.program("lister")}}})
	if err != nil {
		return outcome{}, err
	}
	version, _, err := pair(b.rounds, b.version(), b.version())
	return walls(ours, figure{wall: version.wall*3/2 + list.wall}), err
}
