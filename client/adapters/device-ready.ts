/**
 * Resolves at Cordova's `deviceready`, which late listeners are told too. Rejects if it does not come within
 * 5 seconds, as on a page without Cordova.
 */
export const deviceReady = () =>
  new Promise((resolve, reject) => {
    document.addEventListener("deviceready", resolve);
    setTimeout(reject, 5000, Error("No deviceready"));
  });
