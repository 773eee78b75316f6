package gate

import (
	"net/http"
	"slices"

	"github.com/alwrity/alwrity-sub/gateway"
	"github.com/alwrity/alwrity-sub/gateway/wire"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/server/web"
)

// asksForModels tells whether a request asks which models there are, as vendors' clients do.
func asksForModels(r *http.Request, route *gateway.Route) bool {
	return r.Method == http.MethodGet && (route.Target == "/v1/models" || route.Target == "/v1beta/models")
}

// models answers with the models of an upstream that have a price and that the caller may call, in the vendor's form.
func (g *Gate) models(w http.ResponseWriter, c *web.Call, route *gateway.Route) error {
	if err := signIn(c); err != nil {
		return err
	}
	book, err := c.Catalogue.Book(c.Context())
	if err != nil {
		return err
	}
	provider := route.Upstream.Provider
	names := slices.DeleteFunc(book.Models(provider), func(model string) bool {
		return model == pricing.DefaultModel || !c.Who.MayCall(provider, model)
	})
	list := make([]map[string]any, len(names))
	body := map[string]any{"object": "list", "data": list}
	for i, name := range names {
		list[i] = map[string]any{"id": name, "object": "model", "created": 0, "owned_by": provider}
		switch route.Style() {
		case wire.AnthropicStyle:
			list[i] = map[string]any{"id": name, "type": "model", "display_name": name, "created_at": "1970-01-01T00:00:00Z"}
			body = map[string]any{"data": list, "has_more": false, "first_id": names[0], "last_id": names[len(names)-1]}
		case wire.GeminiStyle:
			list[i] = map[string]any{"name": "models/" + name, "displayName": name}
			body = map[string]any{"models": list}
		}
	}
	return web.WriteJSON(w, http.StatusOK, body)
}
