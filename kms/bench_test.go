package kms_test

import (
	"strings"
	"testing"

	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
)

var kibibyte = strings.Repeat("x", 1024)

func BenchmarkOpen(b *testing.B) {
	e := newBench(b, kms.Options{}).Envelope
	sealed := seal(b, e, production, label, kibibyte)
	b.SetBytes(1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Open(b.Context(), production, label, sealed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenParallel(b *testing.B) {
	e := newBench(b, kms.Options{}).Envelope
	sealed := seal(b, e, production, label, kibibyte)
	b.SetBytes(1024)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := e.Open(b.Context(), production, label, sealed); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkSeal takes a Sealer for each value, with the reservations and the data keys that
// this costs at the default settings; store and backend are in memory.
func BenchmarkSeal(b *testing.B) {
	e := newBench(b, kms.Options{}).Envelope
	value := models.NewPlaintext([]byte(kibibyte))
	b.SetBytes(1024)
	b.ReportAllocs()
	for b.Loop() {
		sealOne(b, e, value)
	}
}

func BenchmarkSealParallel(b *testing.B) {
	e := newBench(b, kms.Options{}).Envelope
	value := models.NewPlaintext([]byte(kibibyte))
	b.SetBytes(1024)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			sealOne(b, e, value)
		}
	})
}

func sealOne(b *testing.B, e *kms.Envelope, value models.Plaintext) {
	sealer, err := e.Sealer(b.Context(), production)
	if err != nil {
		b.Error(err)
		return
	}
	if _, err := sealer.Seal(label, value); err != nil {
		b.Error(err)
	}
}

func BenchmarkHash(b *testing.B) {
	e := newBench(b, kms.Options{}).Envelope
	value := models.NewPlaintext([]byte(kibibyte))
	b.SetBytes(1024)
	b.ReportAllocs()
	for b.Loop() {
		hasher, err := e.Hasher(b.Context(), production)
		if err != nil {
			b.Fatal(err)
		}
		hasher.Sum(value)
	}
}
