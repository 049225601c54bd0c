// Package awskms wraps data keys under keys of AWS KMS. The wrapping keys never leave KMS,
// and every use of one stands in CloudTrail with its encryption context.
package awskms

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
)

// Options say which wrapping key is the default and where KMS is.
type Options struct {
	KeyID    string // key id or ARN of the default key
	KeyAlias string // its alias, where KeyID is empty: "alias/keeper", or the alias's ARN
	Endpoint string // another URL than AWS's own; empty: what the aws.Config says
}

// Wrapper is the AWS KMS backend for one account and region. It is safe for many goroutines.
type Wrapper struct {
	client *awskms.Client
	region string
	key    string // the default
}

var _ kms.Wrapper = (*Wrapper)(nil)

// New makes the backend from an AWS configuration, whose region, credentials, HTTP client
// and retries it keeps. It makes no call.
func New(cfg aws.Config, options Options) (*Wrapper, error) {
	key := options.KeyID
	if key == "" {
		key = options.KeyAlias
	}
	switch {
	case key == "":
		return nil, fault.New(fault.Invalid, "No KMS key is named.").WithHint("Set KMS_KEY_ID or KMS_KEY_ALIAS.")
	case cfg.Region == "":
		return nil, fault.New(fault.Invalid, "No region is named for AWS KMS.").WithHint("Set AWS_REGION to the region of the key.")
	}
	client := awskms.NewFromConfig(cfg, func(o *awskms.Options) {
		if options.Endpoint != "" {
			o.BaseEndpoint = aws.String(options.Endpoint)
		}
	})
	return &Wrapper{client: client, region: cfg.Region, key: keyName(key)}, nil
}

// Kind is models.RecipientKMS.
func (w *Wrapper) Kind() models.RecipientKind { return models.RecipientKMS }

// GenerateDataKey asks KMS for a fresh data key. The recipient id is the ARN of the key that
// wrapped it, also where an alias was named: an alias may point elsewhere tomorrow.
func (w *Wrapper) GenerateDataKey(ctx context.Context, key string, ec kms.Context) ([]byte, kms.Wrapped, error) {
	key = w.named(key)
	out, err := w.client.GenerateDataKey(ctx, &awskms.GenerateDataKeyInput{
		KeyId: &key, KeySpec: types.DataKeySpecAes256, EncryptionContext: ec,
	})
	if err != nil {
		return nil, kms.Wrapped{}, w.explain(err, "kms:GenerateDataKey", key)
	}
	return out.Plaintext, kms.Wrapped{RecipientID: aws.ToString(out.KeyId), Blob: out.CiphertextBlob}, nil
}

// Wrap asks KMS to encrypt a data key.
func (w *Wrapper) Wrap(ctx context.Context, key string, plain []byte, ec kms.Context) (kms.Wrapped, error) {
	key = w.named(key)
	out, err := w.client.Encrypt(ctx, &awskms.EncryptInput{KeyId: &key, Plaintext: plain, EncryptionContext: ec})
	if err != nil {
		return kms.Wrapped{}, w.explain(err, "kms:Encrypt", key)
	}
	return kms.Wrapped{RecipientID: aws.ToString(out.KeyId), Blob: out.CiphertextBlob}, nil
}

// Unwrap asks KMS to decrypt. The key is named, so that KMS refuses a blob that was wrapped
// under another one instead of opening it.
func (w *Wrapper) Unwrap(ctx context.Context, wrapped kms.Wrapped, ec kms.Context) ([]byte, error) {
	out, err := w.client.Decrypt(ctx, &awskms.DecryptInput{
		KeyId: &wrapped.RecipientID, CiphertextBlob: wrapped.Blob, EncryptionContext: ec,
	})
	if err != nil {
		return nil, w.explain(err, "kms:Decrypt", wrapped.RecipientID)
	}
	return out.Plaintext, nil
}

// Rewrap re-encrypts inside KMS: the data key does not come here.
func (w *Wrapper) Rewrap(ctx context.Context, wrapped kms.Wrapped, key string, ec kms.Context) (kms.Wrapped, error) {
	key = w.named(key)
	out, err := w.client.ReEncrypt(ctx, &awskms.ReEncryptInput{
		CiphertextBlob: wrapped.Blob,
		SourceKeyId:    &wrapped.RecipientID, SourceEncryptionContext: ec,
		DestinationKeyId: &key, DestinationEncryptionContext: ec,
	})
	if err != nil {
		return kms.Wrapped{}, w.explain(err, "kms:ReEncryptFrom and kms:ReEncryptTo", wrapped.RecipientID+" or "+key)
	}
	return kms.Wrapped{RecipientID: aws.ToString(out.KeyId), Blob: out.CiphertextBlob}, nil
}

// Describe looks a key up by id, ARN or alias; NotFound where there is none. Aliases and
// rotation are left out where Keeper may not read them.
func (w *Wrapper) Describe(ctx context.Context, key string) (kms.KeyInfo, error) {
	key = w.named(key)
	out, err := w.client.DescribeKey(ctx, &awskms.DescribeKeyInput{KeyId: &key})
	if err != nil {
		return kms.KeyInfo{}, w.explain(err, "kms:DescribeKey", key)
	}
	meta := out.KeyMetadata
	info := kms.KeyInfo{ID: aws.ToString(meta.Arn), Enabled: meta.Enabled, State: string(meta.KeyState)}
	info.Aliases = w.aliases(ctx, meta.KeyId)
	if status, err := w.client.GetKeyRotationStatus(ctx, &awskms.GetKeyRotationStatusInput{KeyId: meta.KeyId}); err == nil {
		info.Rotation = &status.KeyRotationEnabled
	}
	return info, nil
}

func (w *Wrapper) aliases(ctx context.Context, keyID *string) []string {
	var names []string
	pages := awskms.NewListAliasesPaginator(w.client, &awskms.ListAliasesInput{KeyId: keyID})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil
		}
		for _, alias := range page.Aliases {
			names = append(names, aws.ToString(alias.AliasName))
		}
	}
	slices.Sort(names)
	return names
}

func (w *Wrapper) named(key string) string {
	if key == "" {
		return w.key
	}
	return keyName(key)
}

var keyID = regexp.MustCompile(`^(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$`)

// keyName lets an alias be given without its "alias/", as people say it; KMS itself would
// take "keeper" for a key id that does not exist.
func keyName(key string) string {
	if strings.HasPrefix(key, "arn:") || strings.HasPrefix(key, "alias/") || keyID.MatchString(key) {
		return key
	}
	return "alias/" + key
}
