//go:build linux || darwin

package servers

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// required is how much free disk a first build wants, in bytes: 2.8 GB of build
// cache, 0.6 GB of modules, 0.2 GB of programs, and room to breathe.
const required = 4 << 30

// enough says whether there is room for a build in each of dirs.
func enough(dirs ...string) error {
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		var disk unix.Statfs_t
		if err := unix.Statfs(dir, &disk); err != nil {
			return fmt.Errorf("asking for the free disk space of %s: %w", dir, err)
		}
		free := disk.Bavail * uint64(disk.Bsize)
		if free < required {
			return fmt.Errorf("%s has %.1f GB of free disk, and building the servers wants %.1f GB: "+
				"free some, or set IRSA_WORLD_CACHE and GOCACHE to directories on a larger disk",
				dir, float64(free)/(1<<30), float64(required)/(1<<30))
		}
	}
	return nil
}
