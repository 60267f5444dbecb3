package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// terminal is the program "terminal WORD KEYS COMMAND [ARGUMENT...]" of stories.
// It runs the command in the foreground of a pseudo-terminal of its own, of 33
// lines and 101 columns, waits until WORD is on the screen, types KEYS (^C, ^\ or
// text) or hangs up, and prints the screen. Its exit code is the command's, as a
// shell has it.
func terminal() {
	code, screen, err := runInTerminal(os.Args[1], os.Args[2], os.Args[3:])
	fmt.Print(strings.ReplaceAll(screen, "\r\n", "\n"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "terminal:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

func runInTerminal(word, keys string, argv []string) (int, string, error) {
	screen, line, err := openTerminal()
	if err != nil {
		return 0, "", err
	}
	// Whoever runs the tests may ignore hang-ups, as nohup does, and that would be
	// inherited; a signal that is caught here is none that the child ignores.
	signal.Notify(make(chan os.Signal, 1), unix.SIGHUP)
	child := exec.Command(argv[0], argv[1:]...)
	child.Stdin, child.Stdout, child.Stderr = line, line, line
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	if err := child.Start(); err != nil {
		return 0, "", err
	}
	_ = line.Close() // so that the screen ends with the last program on it
	text := watch(screen, word, keys)
	if err := child.Wait(); err != nil && child.ProcessState == nil {
		return 0, text, err
	}
	status := child.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return 128 + int(status.Signal()), text, nil
	}
	return status.ExitStatus(), text, nil
}

// openTerminal gives both ends of a pseudo-terminal: man 4 pts.
func openTerminal() (screen, line *os.File, err error) {
	if screen, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		return nil, nil, err
	}
	fd := int(screen.Fd())
	number, err := unix.IoctlGetUint32(fd, unix.TIOCGPTN)
	if err := errors.Join(err, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0),
		unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 33, Col: 101})); err != nil {
		return nil, nil, err
	}
	line, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	return screen, line, err
}

// watch reads the screen to its end, and types where word has come up.
func watch(screen *os.File, word, keys string) string {
	defer func() { _ = screen.Close() }()
	var text bytes.Buffer
	part := make([]byte, 4096)
	typed := false
	for {
		n, err := screen.Read(part)
		text.Write(part[:n])
		if err != nil { // EIO: nobody has the other end any more
			return text.String()
		}
		if typed || !bytes.Contains(text.Bytes(), []byte(word)) {
			continue
		}
		if typed = true; keys == "hangup" {
			return text.String()
		}
		_, _ = screen.WriteString(strings.NewReplacer("^C", "\x03", `^\`, "\x1c", "^M", "\r").Replace(keys))
	}
}
