package awsconfig

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// These run in a mount namespace of their own, as root or as the root of a user
// namespace: what they mount, nobody else sees, and it is gone with them.
func init() {
	children["bind mount"] = inDir(editBindMount)
	children["full disk"] = inDir(editOnFullDisk)
	children["bind mount on a full disk"] = inDir(editBindMountOnFullDisk)
}

func inDir(run func(dir string) error) func(*testing.M, []string) error {
	return func(_ *testing.M, args []string) error {
		if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			return err
		}
		return run(args[0])
	}
}

func TestEditOnMounts(t *testing.T) {
	for _, mode := range []string{"bind mount", "full disk", "bind mount on a full disk"} {
		t.Run(mode, func(t *testing.T) {
			cmd := newChild(t, mode, t.TempDir())
			cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
			if os.Geteuid() != 0 {
				cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
				cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
				cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
			}
			var out bytes.Buffer
			cmd.Stdout = &out
			err := cmd.Run()
			if errors.Is(err, syscall.EPERM) && out.Len() == 0 {
				t.Skip("no namespaces here: the tests with a failing rename and with a limited file size stand for this one")
			}
			if err != nil {
				t.Errorf("%v: %s", err, out.String())
			}
		})
	}
}

const (
	mountedBefore = "[default]\nregion = us-east-1\n"
	mountedAfter  = mountedBefore + "\n[profile p]\nregion = x\nkubectl_irsa = p\n"
)

// editBindMount is docker run -v ~/.aws/config:/root/.aws/config.
func editBindMount(dir string) error {
	source, path := filepath.Join(dir, "source"), filepath.Join(dir, "config")
	for _, name := range []string{source, path} {
		if err := os.WriteFile(name, []byte(mountedBefore), 0o640); err != nil {
			return err
		}
	}
	if err := syscall.Mount(source, path, "", syscall.MS_BIND, ""); err != nil {
		return err
	}
	if err := childLogin(path, "p"); err != nil {
		return err
	}
	return errors.Join(holds(source, mountedAfter), holds(path, mountedAfter), leftovers(dir, "config source"))
}

// fillDisk mounts a small file system on dir, puts a configuration file on it
// whose last page has room for ten bytes, and fills the rest.
func fillDisk(dir string) (path, content string, err error) {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=0700"); err != nil {
		return "", "", err
	}
	path = filepath.Join(dir, "config")
	content = "[default]\n#" + strings.Repeat("x", os.Getpagesize()-22) + "\n"
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return "", "", err
	}
	err = os.WriteFile(filepath.Join(dir, "filler"), make([]byte, 1<<20), 0o600)
	if !errors.Is(err, syscall.ENOSPC) {
		return "", "", fmt.Errorf("the disk is not full: %v", err) //nolint:errorlint // may be nil
	}
	return path, content, nil
}

func editOnFullDisk(dir string) error {
	path, content, err := fillDisk(dir)
	if err != nil {
		return err
	}
	return errors.Join(fails(childLogin(path, "p"), path), holds(path, content), leftovers(dir, "config filler"))
}

func editBindMountOnFullDisk(dir string) error {
	disk, path := filepath.Join(dir, "disk"), filepath.Join(dir, "config")
	if err := os.Mkdir(disk, 0o700); err != nil {
		return err
	}
	source, content, err := fillDisk(disk)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	if err := syscall.Mount(source, path, "", syscall.MS_BIND, ""); err != nil {
		return err
	}
	return errors.Join(fails(childLogin(path, "p"), path), holds(source, content), leftovers(dir, "config disk"))
}

func fails(err error, path string) error {
	if !errors.Is(err, syscall.ENOSPC) || !strings.HasPrefix(err.Error(), "changing "+path+": write ") {
		return fmt.Errorf("error %v, want one about the full disk", err) //nolint:errorlint // may be nil
	}
	return nil
}

func holds(path, want string) error {
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		return errors.Join(err, fmt.Errorf("%s holds %d bytes, want the %d that were there or were asked for", path, len(got), len(want)))
	}
	return nil
}

func leftovers(dir, want string) error {
	found, err := os.ReadDir(dir)
	var names []string
	for _, entry := range found {
		names = append(names, entry.Name())
	}
	if got := strings.Join(names, " "); got != want {
		return errors.Join(err, fmt.Errorf("in the directory: %s, want %s", got, want))
	}
	return nil
}
