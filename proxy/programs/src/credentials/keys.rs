//! Keys of CURVE, from files with keys, certificates, and directories of certificates.

use std::collections::HashMap;
use std::path::Path;

use enfonet::auth::{CurveClients, KeyPair, PublicKey};

use super::certificate::{Certificate, is_certificate};
use super::error::{FileError, FileErrorKind};
use super::file::{list_directory, read_list, read_secret};
use super::lines;

/// Reads the broker's key pair, from a file with the secret key or from a secret certificate.
pub(super) fn key_pair(path: &Path) -> Result<KeyPair, FileErrorKind> {
    let text = read_secret(path)?;
    if !is_certificate(&text) {
        return lines::secret_key(&text)?.map(KeyPair::new).ok_or(FileErrorKind::NoKey);
    }
    let certificate = Certificate::parse(&text)?;
    let keys = certificate.secret.map(KeyPair::new).ok_or(FileErrorKind::NoSecretKey)?;
    match certificate.public {
        Some(public) if public != *keys.public() => Err(FileErrorKind::OtherPublicKey),
        _ => Ok(keys),
    }
}

/// Reads the clients of a list, a public certificate, or a directory of public certificates.
pub(super) fn curve_clients(path: &Path) -> Result<CurveClients, FileError> {
    if path.is_dir() {
        return certified_clients(path);
    }
    listed_clients(path).map_err(|kind| kind.at(path))
}

fn listed_clients(path: &Path) -> Result<CurveClients, FileErrorKind> {
    let text = read_list(path)?;
    if is_certificate(&text) {
        let (key, user_id) = certified_client(path, &text)?;
        return Ok(CurveClients::new().named(key, user_id));
    }
    let clients = lines::clients(&text)?;
    if clients.is_empty() {
        return Err(FileErrorKind::NoPeers);
    }
    Ok(clients.into_iter().fold(CurveClients::new(), |clients, client| match client.user_id {
        Some(user_id) => clients.named(client.key, user_id),
        None => clients.client(client.key),
    }))
}

fn certified_clients(directory: &Path) -> Result<CurveClients, FileError> {
    let files = list_directory(directory).map_err(|kind| kind.at(directory))?;
    if files.is_empty() {
        return Err(FileErrorKind::NoPeers.at(directory));
    }
    let (mut clients, mut keys) = (CurveClients::new(), HashMap::new());
    for path in &files {
        let text = read_list(path).map_err(|kind| kind.at(path))?;
        let (key, user_id) = certified_client(path, &text).map_err(|kind| kind.at(path))?;
        if let Some(first) = keys.insert(key, path) {
            return Err(FileErrorKind::SameKey { first: first.clone() }.at(path));
        }
        clients = clients.named(key, user_id);
    }
    Ok(clients)
}

/// Returns the key and the user id of a certificate: the name in its metadata, or else the file's name without its
/// extension, since pyzmq writes no metadata into public certificates.
fn certified_client(path: &Path, text: &[u8]) -> Result<(PublicKey, Vec<u8>), FileErrorKind> {
    if !is_certificate(text) {
        return Err(FileErrorKind::NoCertificate);
    }
    let certificate = Certificate::parse(text)?;
    let key = certificate.public.ok_or(FileErrorKind::NoPublicKey)?;
    let stem = || path.file_stem().unwrap_or_default().as_encoded_bytes().to_vec();
    Ok((key, certificate.name.unwrap_or_else(stem)))
}
