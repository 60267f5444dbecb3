// Command lister lists the ServiceAccounts and the pods of a cluster page by
// page, side by side, and keeps nothing. It is what tables of a whole cluster
// are measured against.
package main

import (
	"context"
	"fmt"
	"os"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/clientcmd"
)

const page = 500

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "lister:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if err != nil {
		return err
	}
	config.QPS = -1
	core, err := corev1client.NewForConfig(config)
	if err != nil {
		return err
	}
	var side sync.WaitGroup
	var accounts, pods int
	var accountsErr, podsErr error
	side.Go(func() {
		accounts, accountsErr = pages(func(o metav1.ListOptions) (int, string, error) {
			list, err := core.ServiceAccounts("").List(ctx, o)
			if err != nil {
				return 0, "", err
			}
			return len(list.Items), list.Continue, nil
		})
	})
	side.Go(func() {
		pods, podsErr = pages(func(o metav1.ListOptions) (int, string, error) {
			list, err := core.Pods("").List(ctx, o)
			if err != nil {
				return 0, "", err
			}
			return len(list.Items), list.Continue, nil
		})
	})
	side.Wait()
	if accountsErr != nil || podsErr != nil {
		return fmt.Errorf("serviceaccounts: %w, pods: %w", accountsErr, podsErr)
	}
	fmt.Println(accounts, pods)
	return nil
}

func pages(list func(metav1.ListOptions) (int, string, error)) (sum int, err error) {
	o := metav1.ListOptions{Limit: page}
	for {
		n, next, err := list(o)
		if err != nil {
			return 0, err
		}
		sum += n
		if o.Continue = next; next == "" {
			return sum, nil
		}
	}
}
