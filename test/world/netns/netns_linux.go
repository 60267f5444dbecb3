package netns

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kubectl-irsa/kubectl-irsa/test/world/delay"
)

// capabilities that an ordinary user keeps in its own user namespace, so that
// the world's own processes may shape the namespaces and listen on port 443.
var capabilities = []uintptr{
	unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_NET_BIND_SERVICE, unix.CAP_NET_RAW,
}

// Private is how to start a process in network, mount and process-number
// namespaces of its own. For a user other than root it adds a user namespace in
// which the user keeps its own number and has the rights needed.
func Private() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC,
	}
	if uid, gid := os.Getuid(), os.Getgid(); uid != 0 {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
		attr.AmbientCaps = capabilities
	}
	return attr
}

// DropCapabilities keeps the rights of Private from what this thread starts
// from now on: a user's command runs as that user, no more. Root stays root.
func DropCapabilities() error {
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("giving up ambient capabilities: %w", err)
	}
	return nil
}

// Furnish is called by the first process of the namespaces. It hides the
// mounts to come from the rest of the machine, mounts a /proc that shows the
// world's processes only, puts the file hosts in the place of /etc/hosts, and
// brings the loopback device up with the world's addresses.
func Furnish(hosts string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making the mounts private: %w", err)
	}
	// In a container that masks parts of /proc a new one is refused. The old one
	// then stays: it shows the machine's process numbers, nothing else changes.
	_ = unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	if err := unix.Mount(hosts, "/etc/hosts", "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting a private /etc/hosts: %w", err)
	}
	if err := up("lo"); err != nil {
		return err
	}
	for i, address := range []string{AWS, API} {
		if err := assign("lo:"+strconv.Itoa(i+1), address, "", 32); err != nil {
			return err
		}
	}
	return nil
}

// Link joins the network of the calling thread, where the servers are, to a new
// one, and moves the thread there: what it starts from now on reaches the
// servers by a link that holds each packet for half of roundTrip. The caller
// has locked the thread and the link lasts until the program ends; report is
// told if it breaks.
func Link(roundTrip time.Duration, report func(error)) error {
	near, err := tun("irsa-near")
	if err != nil {
		return err
	}
	if err := point("irsa-near", nearEnd, farEnd); err != nil {
		return err
	}
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("making the clients' network: %w", err)
	}
	far, err := tun("irsa-far")
	if err != nil {
		return err
	}
	if err := up("lo"); err != nil {
		return err
	}
	// The /24 is what leads to the servers' addresses.
	if err := assign("irsa-far", farEnd, "", 24); err != nil {
		return err
	}
	carry := func(dst, src *os.File) {
		if err := delay.Copy(dst, src, roundTrip/2); err != nil {
			report(fmt.Errorf("the slow link broke: %w", err))
		}
	}
	go carry(far, near)
	go carry(near, far)
	return nil
}

// point configures the servers' end: it leads to the other end only.
func point(device, address, peer string) error { return assign(device, address, peer, 32) }

// tun opens a new TUN device of the calling thread's network.
// https://docs.kernel.org/networking/tuntap.html
func tun(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening /dev/net/tun for a round trip: %w", err)
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		return nil, fmt.Errorf("naming the device %s: %w", name, err)
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return nil, fmt.Errorf("making the device %s: %w", name, err)
	}
	// Only now: a TUN file that is polled before it has a device reports an error.
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, fmt.Errorf("opening the device %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// assign gives device an address and brings it up (netdevice(7)).
func assign(device, address, peer string, bits int) error {
	set := func(ioctl uint, ip net.IP) error {
		return control(device, ioctl, func(r *unix.Ifreq) error { return r.SetInet4Addr(ip.To4()) })
	}
	if err := set(unix.SIOCSIFADDR, net.ParseIP(address)); err != nil {
		return fmt.Errorf("giving %s the address %s: %w", device, address, err)
	}
	if peer != "" {
		if err := set(unix.SIOCSIFDSTADDR, net.ParseIP(peer)); err != nil {
			return fmt.Errorf("giving %s the peer %s: %w", device, peer, err)
		}
	}
	if err := set(unix.SIOCSIFNETMASK, net.IP(net.CIDRMask(bits, 32))); err != nil {
		return fmt.Errorf("giving %s a netmask of %d bits: %w", device, bits, err)
	}
	return up(device)
}

func up(device string) error {
	err := control(device, unix.SIOCSIFFLAGS, func(r *unix.Ifreq) error {
		r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
		return nil
	})
	if err != nil {
		return fmt.Errorf("bringing %s up: %w", device, err)
	}
	return nil
}

func control(device string, ioctl uint, fill func(*unix.Ifreq) error) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq(device)
	if err != nil {
		return err
	}
	if err := fill(request); err != nil {
		return err
	}
	return unix.IoctlIfreq(fd, ioctl, request)
}
