# UNTESTED: written without Nix at hand. `nix build` in this folder, or `nix run github:aseqd/aseqd?dir=packages/nix`.
# Corrections are welcome.
{
  description = "The Linux ALSA sequencer and timer in user space";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" ];
      forAll = function: nixpkgs.lib.genAttrs systems (system: function nixpkgs.legacyPackages.${system});
      source = ../..;
    in {
      packages = forAll (pkgs: {
        default = pkgs.rustPlatform.buildRustPackage {
          pname = "aseqd";
          version = (builtins.fromTOML (builtins.readFile "${source}/Cargo.toml")).workspace.package.version;
          src = source;
          cargoLock.lockFile = "${source}/Cargo.lock";
          cargoBuildFlags = [ "--package" "aseqd" ];
          # The tests need /dev/fuse, other programs and namespaces, which Nix's sandbox does not have.
          doCheck = false;
          nativeBuildInputs = [ pkgs.installShellFiles ];
          postInstall = "installManPage man/aseqd*";
          meta = {
            description = "The Linux ALSA sequencer and timer in user space";
            license = with pkgs.lib.licenses; [ mit asl20 ];
            platforms = systems;
            mainProgram = "aseqd";
          };
        };
      });
    };
}
