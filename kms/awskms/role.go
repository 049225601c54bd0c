package awskms

import (
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"github.com/your-org/keeper/fault"
)

// assuming reports whether it was the role that could not be assumed, and not KMS that refused.
func (w *Wrapper) assuming(err error) bool {
	var outer, inner *smithy.OperationError
	return w.role != "" && errors.As(err, &outer) && errors.As(outer.Err, &inner) && inner.ServiceID == "STS"
}

func (w *Wrapper) explainRole(err error, c call) error {
	code := ""
	var api smithy.APIError
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	_, throttled := retry.DefaultThrottleErrorCodes[code]
	switch {
	case slices.Contains(deniedCodes, code):
		return fault.Wrap(err, fault.Unavailable, "AWS does not let Keeper assume the role %s, so the %s cannot be used.", w.role, c.subject()).
			WithHint("Allow sts:AssumeRole on the role to Keeper's identity, let the role's trust policy name that identity, and check KEEPER_KMS_EXTERNAL_ID.")
	case slices.Contains(credentialCodes, code), slices.Contains(expiredCodes, code):
		return explainCode(err, code, c)
	case throttled, broken(err), unanswered(err):
		return away(err, "AWS STS could not be asked for the role %s, so the %s cannot be used.", w.role, c.subject()).
			WithHint("Try again; if it stays, check the network and AWS_ENDPOINT_URL.")
	case code != "":
		return fault.Wrap(err, fault.Unavailable, "AWS STS answered %s when asked for the role %s, so the %s cannot be used.", code, w.role, c.subject()).
			WithHint("Check KEEPER_KMS_ROLE_ARN and KEEPER_KMS_EXTERNAL_ID.")
	default:
		return explainSilence(err, c)
	}
}
