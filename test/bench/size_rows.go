package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
)

// sizeRows: what is downloaded and what is installed, in megabytes against one.
var sizeRows = []row{
	{nil, "binary, stripped, linux/amd64", "1 MB", 36, (*bench).size},
	{nil, "its archive", "1 MB", 13, (*bench).archive},
}

func megabytes(n int64) outcome {
	return outcome{float64(n) / 1e6, fmt.Sprintf("%.1f MB", float64(n)/1e6), "1 MB"}
}

func (b *bench) size() (outcome, error) {
	info, err := os.Stat(b.program("kubectl-irsa"))
	if err != nil {
		return outcome{}, err
	}
	return megabytes(info.Size()), nil
}

func (b *bench) archive() (outcome, error) {
	file, err := os.Open(b.program("kubectl-irsa"))
	if err != nil {
		return outcome{}, err
	}
	defer file.Close()
	var count counter
	zip, err := gzip.NewWriterLevel(&count, gzip.BestCompression)
	if err != nil {
		return outcome{}, err
	}
	if _, err := io.Copy(zip, file); err != nil {
		return outcome{}, err
	}
	if err := zip.Close(); err != nil {
		return outcome{}, err
	}
	return megabytes(count.n), nil
}

type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}
