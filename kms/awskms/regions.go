package awskms

import (
	"cmp"
	"regexp"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
)

// clients are one client of KMS for each region, made when the region is first asked for and
// kept. All share the credentials, the connections and the retries of one configuration.
type clients struct {
	cfg      aws.Config
	endpoint string // for all regions; empty: AWS's own, or what cfg says

	mu       sync.RWMutex
	byRegion map[string]*awskms.Client
}

func (c *clients) in(region string) *awskms.Client {
	c.mu.RLock()
	client := c.byRegion[region]
	c.mu.RUnlock()
	if client != nil {
		return client
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if client := c.byRegion[region]; client != nil {
		return client
	}
	client = awskms.NewFromConfig(c.cfg, func(o *awskms.Options) {
		o.Region = region
		if c.endpoint != "" {
			o.BaseEndpoint = aws.String(c.endpoint)
		}
	})
	c.byRegion[region] = client
	return client
}

// regionName is what a region of AWS looks like. A region becomes part of a host name, and an
// ARN may come from a row that somebody changed: what does not match is not asked for.
var regionName = regexp.MustCompile(`^[a-z]{2,8}(-[a-z]+)+-\d{1,2}$`)

// regionOf is where a key lives: as its ARN says, else the default region.
func (w *Wrapper) regionOf(key string) string {
	if at, err := arn.Parse(key); err == nil && at.Service == "kms" && regionName.MatchString(at.Region) {
		return at.Region
	}
	return w.region
}

// client is the client for the region of a key, which is given too.
func (w *Wrapper) client(key string) (*awskms.Client, string) {
	region := w.regionOf(key)
	return w.clients.in(region), region
}

// Place is the region of a key: its keys are out of reach together. It makes no call.
func (w *Wrapper) Place(key string) string { return w.regionOf(cmp.Or(key, w.key)) }

// CanRewrap tells whether Rewrap from one key to another is one call inside KMS: whether they
// are in the same region, whatever their accounts. Between regions the data key is opened and
// wrapped again, which is two calls.
func (w *Wrapper) CanRewrap(from, to string) bool {
	return w.Place(from) == w.Place(to)
}
