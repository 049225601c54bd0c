package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

// place is where something is measured.
type place struct {
	dir     string // a folder of its own on the disk to be measured
	machine machine
	binary  string // Keeper as it is released
}

// measureIn makes a place, has something measured there, and removes the place.
func measureIn(ctx context.Context, o options, measure func(place) error) (err error) {
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.dir, "bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	p := place{}
	if p.dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	if p.machine, err = describe(p.dir); err != nil {
		return err
	}
	if p.binary, err = buildKeeper(ctx, p.dir); err != nil {
		return err
	}
	return measure(p)
}
