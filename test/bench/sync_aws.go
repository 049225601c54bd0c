package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/your-org/keeper/api"
)

// createRate is how many secrets a second AWS lets be made; it bounds every first sync from
// below. (AWS Secrets Manager quotas, CreateSecret.)
const createRate = 50

// awsCalls is how many calls the stand-in had, how many of them may change something, and how
// many it throttled.
func (b *keyBench) awsCalls() (calls, writes, throttled int, kinds string) {
	counts := b.aws.Calls()
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		operation, ok := strings.CutPrefix(name, "secretsmanager.")
		if !ok {
			continue
		}
		n := counts[name]
		calls += n.Count
		throttled += n.Throttled
		switch operation {
		case "ListSecrets", "DescribeSecret", "GetSecretValue", "BatchGetSecretValue":
		default:
			writes += n.Count
		}
		parts = append(parts, fmt.Sprintf("%d %s", n.Count, operation))
	}
	return calls, writes, throttled, strings.Join(parts, ", ")
}

// measureAWS measures passes over a destination at AWS.
func measureAWS(ctx context.Context, dir, binary string) (figures []figureOfKeys, err error) {
	s, err := openSyncBench(ctx, dir, binary, copies)
	if err != nil {
		return nil, err
	}
	defer s.close()
	floor := time.Duration(copies/createRate) * time.Second
	d, run, err := s.connect(ctx, s.awsDestination())
	if err != nil {
		return nil, err
	}
	took := run.FinishedAt.Sub(run.StartedAt)
	_, _, throttled, kinds := s.awsCalls()
	figures = append(figures, told(figureOfKeys{
		what:     fmt.Sprintf("AWS: first sync of %d secrets, with KEEPER_QUOTA_SHARE=1", copies),
		bound:    fmt.Sprintf("1.05 × the quota's floor of %s", floor),
		measured: fmt.Sprintf("%.1f s, %.3f ×; %d throttled; %s", took.Seconds(), took.Seconds()/floor.Seconds(), throttled, kinds),
		met:      took <= floor*105/100 && run.Counts.Created == copies,
	}))
	s.keeper.Env = append(s.keeper.Env, "KEEPER_QUOTA_SHARE=0.8") // the default; the last one counts
	if err := s.restart(ctx); err != nil {
		return nil, err
	}
	ofKeeper := processorTime(s.keeper.PID())
	if run, err = s.pass(ctx, d.ID); err != nil {
		return nil, err
	}
	ofKeeper = processorTime(s.keeper.PID()) - ofKeeper
	took = run.FinishedAt.Sub(run.StartedAt)
	calls, writes, throttled, kinds := s.awsCalls()
	figures = append(figures, told(figureOfKeys{
		what: fmt.Sprintf("AWS: full pass over %d, nothing to do", copies), bound: "0 writes, 110 calls, 3 s",
		measured: fmt.Sprintf("%d writes, %d calls (%s; %d throttled), %.2f s, of which %.2f s of the processor for Keeper",
			writes, calls, kinds, throttled, took.Seconds(), ofKeeper.Seconds()),
		met: writes == 0 && calls <= 110 && took <= 3*time.Second && run.Counts.InSync == copies,
	}))
	receipt, err := s.client.GetReceipt(ctx, run.ID)
	if err != nil {
		return nil, err
	}
	s.aws.ResetCalls()
	began := time.Now()
	verified, err := s.client.VerifyReceipt(ctx, api.ReceiptClaim{Text: receipt.Text, ReadAgain: true})
	if err != nil {
		return nil, err
	}
	took = time.Since(began)
	calls, writes, throttled, kinds = s.awsCalls()
	figures = append(figures, told(figureOfKeys{
		what: fmt.Sprintf("AWS: full compare of %d values", copies), bound: "0 writes, 620 calls",
		measured: fmt.Sprintf("%d writes, %d calls (%s; %d throttled), %.2f s", writes, calls, kinds, throttled, took.Seconds()),
		met:      writes == 0 && calls <= 620 && sound(verified),
	}))
	return figures, nil
}

// told says a figure on the terminal as soon as it is known.
func told(f figureOfKeys) figureOfKeys {
	say("%s: %s (%s)", f.what, f.measured, f.bound)
	return f
}
