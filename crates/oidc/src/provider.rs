//! The provider. What it says of itself (OpenID Connect Discovery 1.0) and its keys are asked for when somebody first signs in,
//! and kept for an hour: a provider that does not answer keeps nothing from starting.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use avow_telemetry::with_causes;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AuthorizationCode, ClaimsVerificationError, Client, ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IdTokenClaims, IdTokenFields, IssuerUrl,
    Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    SignatureVerificationError, StandardClaims, StandardErrorResponse, StandardTokenResponse, TokenResponse as _,
    UserInfoClaims,
};
use tokio::sync::Mutex;

use crate::claims::{Further, Said};
use crate::flow::Key;
use crate::http::{Http, HttpError};
use crate::{Begun, Flow, Identity, InvalidSettings, OidcError, Settings};

/// How long what the provider says of itself is taken for true.
const FRESH: Duration = Duration::from_secs(3600);
/// How long a failure is: whoever comes meanwhile does not wait for another one.
const FAILED: Duration = Duration::from_secs(5);
/// Keys that are younger are not asked for again where a signature is by another one.
const ASKED_AGAIN: Duration = Duration::from_secs(60);

type Fields = IdTokenFields<
    Further,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Tokens = StandardTokenResponse<Fields, CoreTokenType>;
/// The client with an address for authorization, and perhaps for tokens and user info.
type Known = Client<
    Further,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;
type Answered = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send>>;

/// What is known of the provider, or why nothing is.
struct Asked {
    at: Instant,
    outcome: Result<Arc<Known>, OidcError>,
}

/// One provider, and this installation as its client.
pub struct Provider {
    settings: Settings,
    redirect_url: RedirectUrl,
    key: Key,
    http: Arc<Http>,
    asked: Mutex<Option<Asked>>,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("issuer", &self.settings.issuer).finish_non_exhaustive()
    }
}

impl Provider {
    /// Checks the settings; nothing is asked of the provider yet.
    ///
    /// # Errors
    /// Settings that cannot be.
    pub fn new(settings: Settings) -> Result<Self, InvalidSettings> {
        let settings = settings.checked()?;
        let redirect_url = RedirectUrl::new(settings.redirect_url.clone()).map_err(|_| InvalidSettings::Address {
            key: "webhooks.public_url",
            value: settings.redirect_url.clone(),
        })?;
        let key = Key::new(&settings.client_secret);
        let http = Arc::new(Http::new(settings.is_plain()));
        Ok(Self { settings, redirect_url, key, http, asked: Mutex::default() })
    }

    /// Where the provider sends browsers back to.
    pub fn redirect_url(&self) -> &str {
        self.redirect_url.as_str()
    }

    /// Begins the sign-in of somebody who is at a path of ours, at a moment (milliseconds since 1970).
    ///
    /// # Errors
    /// [`OidcError::Unavailable`], [`OidcError::Refused`].
    pub async fn begin(&self, path: &str, now: i64) -> Result<Begun, OidcError> {
        let known = self.known(FRESH).await?;
        let sealed = self.key.seal(path, now)?;
        let (state, nonce) = (sealed.state, sealed.flow.nonce);
        let verifier = PkceCodeVerifier::new(sealed.flow.verifier);
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let request = known.authorize_url(flow, move || CsrfToken::new(state), move || Nonce::new(nonce));
        let scopes = self.settings.scopes.iter().filter(|scope| *scope != "openid");
        let request = request.add_scopes(scopes.map(|scope| Scope::new(scope.clone())));
        let (url, _, _) = request.set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier)).url();
        Ok(Begun { url: url.into(), kept: sealed.kept })
    }

    /// The sign-in that this browser has begun, by what it has kept, the state that the provider sends back and, where it says
    /// so, who it is (RFC 9207).
    ///
    /// # Errors
    /// [`OidcError::NotBegun`]; [`OidcError::Refused`] where it is another provider.
    pub fn resume(&self, kept: &str, state: &str, issuer: Option<&str>, now: i64) -> Result<Flow, OidcError> {
        let flow = self.key.open(kept, state, now)?;
        match issuer {
            Some(issuer) if issuer != self.settings.issuer => {
                Err(OidcError::Refused("it comes from another issuer".to_owned()))
            }
            _ => Ok(flow),
        }
    }

    /// Who somebody is, by the code that the provider has given them.
    ///
    /// # Errors
    /// [`OidcError::Unavailable`], [`OidcError::Refused`].
    pub async fn identify(&self, flow: &Flow, code: &str) -> Result<Identity, OidcError> {
        let known = self.known(FRESH).await?;
        let tokens = self.tokens(&known, flow, code).await?;
        let nonce = Nonce::new(flow.nonce.clone());
        let claims = match verified(&known, &tokens, &nonce) {
            // The provider may sign with keys that it has made since.
            Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
                verified(&*self.known(ASKED_AGAIN).await?, &tokens, &nonce)
            }
            judged => judged,
        };
        let claims = claims.map_err(|error| OidcError::Refused(with_causes(&error)))?;
        let (issuer, subject) = (claims.issuer().to_string(), claims.subject().clone());
        let mut said = of_token(&claims);
        if said.lacks(&self.settings)
            && let Ok(request) = known.user_info(tokens.access_token().clone(), Some(subject.clone()))
        {
            let asked = request.request_async(&self.sender()).await;
            let asked: UserInfoClaims<Further, CoreGenderClaim> =
                asked.map_err(|error| OidcError::Refused(with_causes(&error)))?;
            said = said.or(standard(asked.standard_claims(), asked.additional_claims()));
        }
        Ok(said.identity(&self.settings, issuer, subject.to_string()))
    }

    /// Asks the provider what it says of itself.
    ///
    /// # Errors
    /// [`OidcError::Unavailable`], [`OidcError::Refused`].
    pub async fn probe(&self) -> Result<String, OidcError> {
        let known = self.known(Duration::ZERO).await?;
        Ok(known.auth_uri().to_string())
    }

    async fn tokens(&self, known: &Known, flow: &Flow, code: &str) -> Result<Tokens, OidcError> {
        let request = known.exchange_code(AuthorizationCode::new(code.to_owned()));
        let request = request.map_err(|error| OidcError::Refused(with_causes(&error)))?;
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(flow.verifier.clone()));
        request.request_async(&self.sender()).await.map_err(|error| match error {
            RequestTokenError::Request(error) => OidcError::Unavailable(with_causes(&error)),
            error => OidcError::Refused(with_causes(&error)),
        })
    }

    /// What the provider says of itself, no older than that. Where it does not answer, what it has said before.
    async fn known(&self, at_most: Duration) -> Result<Arc<Known>, OidcError> {
        let mut asked = self.asked.lock().await;
        let before = match &*asked {
            Some(Asked { at, outcome: Ok(known) }) if at.elapsed() < at_most => return Ok(Arc::clone(known)),
            Some(Asked { at, outcome: Err(error) }) if at.elapsed() < FAILED.min(at_most) => return Err(error.clone()),
            Some(Asked { outcome: Ok(known), .. }) => Some(Arc::clone(known)),
            _ => None,
        };
        let outcome = self.discover().await;
        let (Err(error), Some(known)) = (&outcome, before) else {
            *asked = Some(Asked { at: Instant::now(), outcome: outcome.clone() });
            return outcome;
        };
        tracing::warn!(%error, "oidc.discovery_failed");
        // Asked again after a while, not for each sign-in.
        let at = Instant::now().checked_sub(FRESH - ASKED_AGAIN).unwrap_or_else(Instant::now);
        *asked = Some(Asked { at, outcome: Ok(Arc::clone(&known)) });
        if at_most == FRESH { Ok(known) } else { outcome }
    }

    async fn discover(&self) -> Result<Arc<Known>, OidcError> {
        let issuer = IssuerUrl::new(self.settings.issuer.clone());
        let issuer = issuer.map_err(|error| OidcError::Refused(error.to_string()))?;
        let found = CoreProviderMetadata::discover_async(issuer, &self.sender()).await;
        let found = found.map_err(|error| match error {
            openidconnect::DiscoveryError::Request(error) => OidcError::Unavailable(with_causes(&error)),
            error => OidcError::Unavailable(format!("discovery: {}", with_causes(&error))),
        })?;
        let secret = ClientSecret::new(self.settings.client_secret.clone());
        let client_id = ClientId::new(self.settings.client_id.clone());
        let known = Client::from_provider_metadata(found, client_id, Some(secret));
        Ok(Arc::new(known.set_redirect_uri(self.redirect_url.clone())))
    }

    /// The client of HTTP as the library wants it.
    fn sender(&self) -> impl Fn(HttpRequest) -> Answered + Send + Sync + 'static {
        let http = Arc::clone(&self.http);
        move |request| {
            let http = Arc::clone(&http);
            Box::pin(async move { http.send(request).await })
        }
    }
}

/// The claims of the ID token: signed by the provider, for this client, in answer to this sign-in, and in time (OpenID Connect
/// Core, 3.1.3.7).
fn verified(
    known: &Known,
    tokens: &Tokens,
    nonce: &Nonce,
) -> Result<IdTokenClaims<Further, CoreGenderClaim>, ClaimsVerificationError> {
    let token = tokens.id_token().ok_or_else(|| ClaimsVerificationError::Other("there is no ID token".to_owned()))?;
    token.claims(&known.id_token_verifier(), nonce).cloned()
}

fn of_token(claims: &IdTokenClaims<Further, CoreGenderClaim>) -> Said {
    Said {
        email: claims.email().map(|email| email.as_str().to_owned()),
        email_verified: claims.email_verified(),
        name: claims.name().and_then(|name| name.get(None)).map(|name| name.as_str().to_owned()),
        further: claims.additional_claims().clone(),
    }
}

fn standard(claims: &StandardClaims<CoreGenderClaim>, further: &Further) -> Said {
    Said {
        email: claims.email().map(|email| email.as_str().to_owned()),
        email_verified: claims.email_verified(),
        name: claims.name().and_then(|name| name.get(None)).map(|name| name.as_str().to_owned()),
        further: further.clone(),
    }
}
