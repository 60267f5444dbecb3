package cli

import "golang.org/x/sys/windows"

// shortPath is the name of an existing file or folder that DOS would know it by:
// https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-getshortpathnamew.
// A volume may have been told to make none; the long name comes back then.
func shortPath(path string) (string, error) {
	long, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return "", err
	}
	buffer := make([]uint16, windows.MAX_LONG_PATH)
	n, err := windows.GetShortPathName(long, &buffer[0], uint32(len(buffer)))
	if err != nil {
		return "", err
	}
	return windows.UTF16ToString(buffer[:n]), nil
}
