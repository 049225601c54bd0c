package awssm

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	keepersync "github.com/your-org/keeper/sync"
)

var _ keepersync.Accounted = (*Driver)(nil)

const (
	accountTime   = 5 * time.Second  // to ask in whose account the credentials are
	accountNoTime = 10 * time.Minute // until it is asked again where there was no answer
)

// account is what STS says of the credentials, asked once.
type account struct {
	client *sts.Client // nil: the account is known

	mu    sync.Mutex
	scope string
	again time.Time // zero: never
}

// Scope is "aws/<account>/<region>", or "aws/<endpoint>/<account>/<region>". Two access keys of one account share its quotas, which
// only STS can tell; it lets everybody ask. Without its answer, each key counts for itself.
func (d *Driver) Scope(ctx context.Context) string {
	a := &d.account
	if a.client == nil {
		return d.scope
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.scope != "" && (a.again.IsZero() || time.Now().Before(a.again)) {
		return a.scope
	}
	asking, cancel := context.WithTimeout(ctx, accountTime)
	defer cancel()
	out, err := a.client.GetCallerIdentity(asking, &sts.GetCallerIdentityInput{})
	switch {
	case err == nil && aws.ToString(out.Account) != "":
		a.scope, a.again = scopeOf(d.endpoint, *out.Account, d.region), time.Time{}
	case ctx.Err() != nil: // nothing was learnt
		return d.scope
	default:
		a.scope, a.again = d.scope, time.Now().Add(accountNoTime)
	}
	return a.scope
}

// scopeOf names what shares quotas. An endpoint that somebody entered counts for itself: it
// could name any account as its own, and slow down all who work there.
func scopeOf(endpoint, who, region string) string {
	if endpoint != "" {
		who = endpoint + "/" + who
	}
	return "aws/" + who + "/" + region
}
