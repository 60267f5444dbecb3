// Command empty is the least that a kubectl plugin can be: cobra with the
// kubeconfig flags of cli-runtime. It is what start-up is measured against.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
)

func main() {
	root := &cobra.Command{Use: "empty"}
	genericclioptions.NewConfigFlags(true).AddFlags(root.PersistentFlags())
	root.AddCommand(&cobra.Command{Use: "version", Run: func(*cobra.Command, []string) { fmt.Println("empty") }})
	if root.Execute() != nil {
		os.Exit(1)
	}
}
