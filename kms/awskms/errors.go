package awskms

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/your-org/keeper/fault"
)

// credentialCodes are the answers that mean that AWS does not take the credentials; KMS
// models none of them as types.
var credentialCodes = []string{
	"UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch",
	"IncompleteSignature", "MissingAuthenticationToken", "MissingAuthenticationTokenException",
	"ExpiredToken", "ExpiredTokenException", "InvalidTokenException", "AuthFailure",
}

// explain turns an error of the SDK into one that names the key and the step that mends it.
// The permission is the one that the call needs.
func (w *Wrapper) explain(err error, permission, key string) error {
	var undecoded *smithy.DeserializationError
	if errors.As(err, &undecoded) {
		// The answer can hold a data key and the decoder's error could quote it: no cause.
		return fault.New(fault.Unavailable, "AWS KMS in %s gave an answer about the key %s that cannot be read.", w.region, key).
			WithHint("Check AWS_ENDPOINT_URL, and what stands between Keeper and it.")
	}
	if told := w.explainKey(err, permission, key); told != nil {
		return told
	}
	return w.explainService(err, permission, key)
}

// explainKey tells what is wrong with the key or the blob, or nil.
func (w *Wrapper) explainKey(err error, permission, key string) error {
	var (
		disabled   *types.DisabledException
		state      *types.KMSInvalidStateException
		missing    *types.NotFoundException
		badARN     *types.InvalidArnException
		usage      *types.InvalidKeyUsageException
		ciphertext *types.InvalidCiphertextException
		incorrect  *types.IncorrectKeyException
	)
	switch {
	case errors.As(err, &disabled):
		return fault.Wrap(err, fault.Unavailable, "The KMS key %s is disabled.", key).
			WithHint("Enable it: aws kms enable-key --key-id %s --region %s", key, w.region)
	case errors.As(err, &state):
		return fault.Wrap(err, fault.Unavailable, "The KMS key %s cannot be used in the state it is in; it may be pending deletion.", key).
			WithHint("Look with aws kms describe-key --key-id %s; a planned deletion is ended by aws kms cancel-key-deletion and then enable-key.", key)
	case errors.As(err, &missing):
		kind := fault.Unavailable
		if permission == "kms:DescribeKey" {
			kind = fault.NotFound
		}
		return fault.Wrap(err, kind, "There is no KMS key %s in region %s of this account.", key, w.region).WithHint("%s", w.regionHint(key))
	case errors.As(err, &badARN):
		return fault.Wrap(err, fault.Unavailable, "%s does not name a KMS key in region %s.", key, w.region).WithHint("%s", w.regionHint(key))
	case errors.As(err, &usage):
		return fault.Wrap(err, fault.Unavailable, "The KMS key %s is not a symmetric key for encryption.", key).
			WithHint("Name a key with KeySpec SYMMETRIC_DEFAULT and KeyUsage ENCRYPT_DECRYPT.")
	case errors.As(err, &ciphertext):
		return fault.Wrap(err, fault.Invalid, "KMS does not open a data key that should be wrapped under %s: it was changed, or belongs to another environment or encryption context.", key).
			WithHint("If KMS_ENCRYPTION_CONTEXT was changed, set it back.")
	case errors.As(err, &incorrect):
		return fault.Wrap(err, fault.Invalid, "A data key is not wrapped under the KMS key %s that its row names.", key).
			WithHint("The row was changed; restore it from a backup.")
	}
	return nil
}

// explainService tells why KMS did not do what was asked, whatever the key.
func (w *Wrapper) explainService(err error, permission, key string) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		code := api.ErrorCode()
		_, throttled := retry.DefaultThrottleErrorCodes[code]
		switch {
		case code == "AccessDeniedException" || code == "AccessDenied":
			return fault.Wrap(err, fault.Unavailable, "AWS refuses %s on the KMS key %s.", permission, key).
				WithHint("Allow %s on that key to Keeper's identity, in its IAM policy or in the key's policy.", permission)
		case throttled:
			return fault.Wrap(err, fault.Unavailable, "AWS KMS throttled %s on the key %s.", permission, key).
				WithHint("It goes on by itself when there are fewer calls; if it stays, raise the KMS request quota of region %s.", w.region)
		case slices.Contains(credentialCodes, code):
			return fault.Wrap(err, fault.Unavailable, "AWS does not accept Keeper's credentials (%s), so the KMS key %s cannot be used.", code, key).
				WithHint("Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the role that Keeper runs under, and the clock.")
		default:
			return fault.Wrap(err, fault.Unavailable, "AWS KMS answered %s to %s on the key %s.", code, permission, key).
				WithHint("Try again; if it stays, look at the key with aws kms describe-key --key-id %s.", key)
		}
	}
	return w.explainSilence(err, key)
}

// explainSilence tells why there is no answer at all.
func (w *Wrapper) explainSilence(err error, key string) error {
	var unsent *smithyhttp.RequestSendError
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(err, fault.Unavailable, "AWS KMS in %s did not answer in time about the key %s.", w.region, key).WithHint("Try again.")
	case errors.As(err, &unsent), errors.As(err, &network):
		return fault.Wrap(err, fault.Unavailable, "AWS KMS in %s cannot be reached, so the key %s cannot be used.", w.region, key).
			WithHint("Check the network, AWS_REGION and AWS_ENDPOINT_URL.")
	default:
		return fault.Wrap(err, fault.Unavailable, "AWS KMS in %s could not be asked about the key %s.", w.region, key).
			WithHint("Check that Keeper has AWS credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role.")
	}
}

// regionHint names the region of a key whose ARN says that it lives elsewhere.
func (w *Wrapper) regionHint(key string) string {
	if at, err := arn.Parse(key); err == nil && at.Region != w.region {
		return "That key is in region " + at.Region + "; Keeper asks in " + w.region + ". Set AWS_REGION to match."
	}
	setting := "KMS_KEY_ID"
	if strings.HasPrefix(key, "alias/") {
		setting = "KMS_KEY_ALIAS, or the alias in the environment's settings,"
	}
	return "Check " + setting + " and AWS_REGION; a key that was deleted for good cannot come back."
}
