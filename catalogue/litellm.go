package catalogue

import (
	"context"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// LiteLLMImport is what importing LiteLLM's price file has done, or would do.
type LiteLLMImport struct {
	Changes
	pricing.LiteLLM
	Unchanged int // prices that are in force already
}

// ImportLiteLLM adds the prices of LiteLLM's price file where they differ from those in force, as ApplyPrices does, of
// all providers or of one.
func (s *Service) ImportLiteLLM(
	ctx context.Context, audit usage.Audit, file File, provider string, dryRun, force bool,
) (LiteLLMImport, error) {
	book, err := s.bookWith(ctx, provider)
	if err != nil {
		return LiteLLMImport{}, err
	}
	result := LiteLLMImport{}
	if result.LiteLLM, err = pricing.ParseLiteLLM(file.Name, file.Text, book.Providers, provider); err != nil {
		return result, err
	}
	result.Changes, err = s.ApplyPrices(ctx, audit, pricing.Catalogue{Prices: result.LiteLLM.Prices}, dryRun, force)
	result.Unchanged = len(result.LiteLLM.Prices) - len(result.Changes.Prices)
	return result, err
}
