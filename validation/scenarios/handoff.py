"""The names under which the handed-over test suite knows the scenarios (scenarios.md §7)."""

# As functions of that suite are called, and as its JUnit reports name its cases.
SCENARIOS = {
    "test_gateway_authentication": "BC-01",
    "test_account_info_retrieval": "BC-02",
    "test_account_balance_retrieval": "BC-03",
    "test_position_retrieval_empty_account": "BC-04",
    "test_gateway_reconnection_resilience": "BC-05",
    "test_gateway_connection_stability": "BC-06",
    "test_market_data_subscription_spy": "MD-01",
    "test_historical_data_retrieval_spy": "MD-02",
    "test_market_data_multiple_symbols": "MD-03",
    "test_market_data_stream_quality": "MD-04",
    "test_paper_trading_limit_order_submission": "OE-01",
    "test_paper_trading_position_tracking": "OE-02",
    "test_paper_trading_order_cancellation": "OE-03",
    "test_paper_trading_close_position": "OE-04",
    "test_network_timeout_handling": "RS-01",
    "test_api_rate_limit_handling": "RS-02",
    "test_market_data_staleness_detection": "RS-03",
    "test_gateway_error_recovery": "RS-04",
    "test_extended_session_stability": "RS-05",
}


def scenario(case: str) -> str:
    """Return the id of the scenario that a case of that suite is; any other name as it is.

    A case may be parametrised: what stands in brackets is no part of the name.
    """
    return SCENARIOS.get(case.partition("[")[0], case)
