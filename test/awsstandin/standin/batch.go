package standin

import "errors"

type batchGetIn struct {
	SecretIDList []string `json:"SecretIdList"`
	Filters      []filter
	MaxResults   *int
	NextToken    string
}

type batchGetOut struct {
	SecretValues []secretValue
	Errors       []batchError
	NextToken    string `json:",omitempty"`
}

// batchError says why one secret of a batch has no value.
type batchError struct {
	SecretID  string `json:"SecretId"`
	ErrorCode string
	Message   string
}

func batchGetSecretValue(srv *Server, c *call, in *batchGetIn) (*batchGetOut, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	out := &batchGetOut{SecretValues: []secretValue{}, Errors: []batchError{}}
	ids := in.SecretIDList
	if ids == nil {
		found, next, err := in.search(c)
		if err != nil {
			return nil, err
		}
		ids, out.NextToken = found, next
	}
	for _, id := range ids {
		value, err := srv.batchItem(c, id)
		var refused *apiError
		switch {
		case errors.As(err, &refused):
			out.Errors = append(out.Errors, batchError{id, refused.code, refused.message})
		case err != nil:
			return nil, err
		default:
			out.SecretValues = append(out.SecretValues, *value)
		}
	}
	return out, nil
}

func (in *batchGetIn) check() error {
	switch {
	case (in.SecretIDList == nil) == (in.Filters == nil):
		return refuse("InvalidParameterException", "Either 'SecretIdList' or 'Filters' must be provided, but not both.")
	case in.SecretIDList != nil && (in.MaxResults != nil || in.NextToken != ""):
		return refuse("InvalidParameterException", "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.")
	case in.SecretIDList != nil:
		return checkLength("secretIdList", len(in.SecretIDList), 1, maxBatchResults)
	}
	if err := checkRange("maxResults", in.MaxResults, 1, maxBatchResults); err != nil {
		return err
	}
	return checkFilters(in.Filters)
}

// search finds the ARNs that the filters match, in the listing, which may be stale.
func (in *batchGetIn) search(c *call) (arns []string, next string, err error) {
	limit := maxBatchResults
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	query := pageQuery("batch", in.Filters)
	from, err := readPageToken(in.NextToken, query)
	if err != nil {
		return nil, "", err
	}
	found, last := c.region.secrets.list.page(c.now, from, true, limit, func(s *secret) bool {
		return !s.deleted() && matchFilters(s, in.Filters)
	})
	for _, s := range found {
		arns = append(arns, s.ARN)
	}
	return arns, pageToken(last, query), nil
}

// batchItem reads one secret of a batch. The caller needs GetSecretValue on it, so faults of that operation count.
func (s *Server) batchItem(c *call, id string) (*secretValue, error) {
	if err := s.faults.strikeItem(c, id); err != nil {
		return nil, err
	}
	return getSecretValue(s, c, &getSecretValueIn{SecretID: id})
}
