package awssm

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

const (
	defaultKey  = "alias/aws/secretsmanager"
	aliasTime   = time.Hour   // how long the key behind an alias is believed
	aliasNoTime = time.Minute // how long it is not asked for again after a failure
)

// plainKey is a KMS key's name without its account and region: "alias/app", or the key's id.
// AWS shows the default key as none at all, and any other as it was named.
func plainKey(name string) string {
	if strings.HasPrefix(name, "arn:") {
		parts := strings.SplitN(name, ":", 6)
		name = parts[len(parts)-1]
	}
	if name = strings.TrimPrefix(name, "key/"); name == "" {
		return defaultKey
	}
	return name
}

func isAlias(plain string) bool { return strings.HasPrefix(plain, "alias/") }

// keyNames tells the same key under two names.
type keyNames struct {
	client *kms.Client

	mu    sync.Mutex
	known map[string]aliased // by alias
}

type aliased struct {
	id    string
	err   error
	until time.Time
}

// same reports whether two names mean the same key. KMS is asked only where one of them is an
// alias and the other is not, or both are aliases; the error is KMS's.
func (k *keyNames) same(ctx context.Context, one, other string) (bool, error) {
	a, b := plainKey(one), plainKey(other)
	if a == b {
		return true, nil
	}
	// The default key has no other name that people use: what is under it is under no other.
	if a == defaultKey || b == defaultKey || !isAlias(a) && !isAlias(b) {
		return false, nil
	}
	first, err := k.id(ctx, one)
	if err != nil {
		return false, err
	}
	second, err := k.id(ctx, other)
	return first == second, err
}

// id is a key's id.
func (k *keyNames) id(ctx context.Context, name string) (string, error) {
	plain := plainKey(name)
	if !isAlias(plain) {
		return plain, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if a, ok := k.known[name]; ok && time.Now().Before(a.until) {
		return a.id, a.err
	}
	out, err := k.client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(name)})
	a := aliased{err: err, until: time.Now().Add(aliasNoTime)}
	if err == nil && out.KeyMetadata != nil {
		a = aliased{id: aws.ToString(out.KeyMetadata.KeyId), until: time.Now().Add(aliasTime)}
	}
	if ctx.Err() != nil { // of this caller alone
		return "", err
	}
	if k.known == nil {
		k.known = map[string]aliased{}
	}
	k.known[name] = a
	return a.id, a.err
}
