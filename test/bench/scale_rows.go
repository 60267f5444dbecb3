package main

import (
	"context"
	"fmt"
)

// scaleRows: tables and judgements of a large cluster.
var scaleRows = []row{
	{crowded, "get sa -A, 10,000 ServiceAccounts, 10,000 pods, 500 roles, wall", "a bare paged list of the same objects", 2, (*bench).getAll},
	{crowded, "get sa -A there, memory", "150 MB", 1, (*bench).getAllMemory},
	{crowded, "doctor -A there, wall", "the same bare list", 4, (*bench).doctorAll},
	{crowded, "doctor -A there, memory", "200 MB", 1, (*bench).doctorAllMemory},
}

func admin(argv ...string) []string {
	// A check that fails is an answer too: exit code 3.
	return append([]string{"sh", "-c", `AWS_SHARED_CREDENTIALS_FILE=$IRSA_ADMIN_CREDENTIALS "$@" || [ $? = 3 ]`, "sh"}, append(argv, "--aws-profile", "admin")...)
}

func (b *bench) overCluster(rounds int, argv ...string) (ours, bare figure, err error) {
	if err := b.populate(context.Background()); err != nil {
		return ours, bare, err
	}
	return pair(rounds, task{nil, [][]string{admin(append([]string{b.program("kubectl-irsa")}, argv...)...)}},
		task{nil, [][]string{{b.program("lister")}}})
}

func (b *bench) getAll() (outcome, error) {
	ours, bare, err := b.overCluster(max(b.rounds/3, 3), "get", "sa", "-A")
	return walls(ours, bare), err
}

func (b *bench) getAllMemory() (outcome, error) {
	ours, _, err := b.overCluster(3, "get", "sa", "-A")
	return memory(ours, 150), err
}

func memory(f figure, limit float64) outcome {
	used := float64(f.memory) / 1e6
	return outcome{used / limit, fmt.Sprintf("%.0f MB", used), fmt.Sprintf("%.0f MB", limit)}
}

func (b *bench) doctorAll() (outcome, error) {
	ours, bare, err := b.overCluster(max(b.rounds/3, 3), "doctor", "-A")
	return walls(ours, bare), err
}

func (b *bench) doctorAllMemory() (outcome, error) {
	ours, _, err := b.overCluster(3, "doctor", "-A")
	return memory(ours, 200), err
}
