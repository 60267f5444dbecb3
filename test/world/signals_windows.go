package main

import "os"

var handed = []os.Signal{os.Interrupt}

func fromTerminal(os.Signal) bool { return true }

func signalCode(os.Signal) int { return 1 }
