//! Lists every plugin that this binary offers.
