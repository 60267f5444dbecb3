package token

import (
	"context"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
)

// withoutBodies gives the requests of ctx a logger that leaves bodies out.
// client-go prints them from -v=8, a protobuf body as a hex dump, and the body
// of a TokenRequest is a credential.
func withoutBodies(ctx context.Context) context.Context {
	logger := klog.FromContext(ctx)
	return klog.NewContext(ctx, logger.WithSink(bodiless{logger.GetSink()}))
}

// bodiless drops the values of "body" and passes everything else on.
type bodiless struct{ logr.LogSink }

func (b bodiless) Info(level int, message string, pairs ...any) {
	b.LogSink.Info(level, message, withhold(pairs)...)
}

func (b bodiless) Error(err error, message string, pairs ...any) {
	b.LogSink.Error(err, message, withhold(pairs)...)
}

func (b bodiless) WithValues(pairs ...any) logr.LogSink {
	return bodiless{b.LogSink.WithValues(withhold(pairs)...)}
}

func (b bodiless) WithName(name string) logr.LogSink {
	return bodiless{b.LogSink.WithName(name)}
}

func withhold(pairs []any) []any {
	kept := append([]any(nil), pairs...)
	for i := 0; i+1 < len(kept); i += 2 {
		if kept[i] == "body" {
			kept[i+1] = "withheld: it holds a token"
		}
	}
	return kept
}
